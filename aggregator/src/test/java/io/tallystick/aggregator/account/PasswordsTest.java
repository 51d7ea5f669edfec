package io.tallystick.aggregator.account;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.db.Ids;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PasswordsTest {
    private static final String PASSWORD = "correct horse battery";

    private final Vertx vertx = Vertx.vertx();

    @AfterEach
    void close() throws TimeoutException {
        await(vertx.close());
    }

    private static <T> T await(Future<T> future) throws TimeoutException {
        return future.await(30, TimeUnit.SECONDS);
    }

    private Passwords passwords(Passwords.Cost cost) {
        return new Passwords(vertx, cost, new Ids(Clock.systemUTC(), new SecureRandom()));
    }

    @Test
    void aServiceHashesWithArgon2idAndTheRecommendedCost() throws TimeoutException {
        Passwords service = passwords(Passwords.Cost.STANDARD);
        String stored = await(service.hash(PASSWORD));
        assertTrue(stored.startsWith("$argon2id$v=19$m=19456,t=2,p=1$"), stored);
        assertNotEquals(stored, await(service.hash(PASSWORD)), "a salt of its own");
        assertTrue(await(service.matches(PASSWORD, stored)));
        assertEquals(false, await(service.matches(PASSWORD + ".", stored)));
    }

    @Test
    void hashesOfAnotherCostStayValid() throws TimeoutException {
        String cheap = await(passwords(Passwords.Cost.SANDBOX).hash(PASSWORD));
        assertTrue(await(passwords(Passwords.Cost.STANDARD).matches(PASSWORD, cheap)));
    }
}
