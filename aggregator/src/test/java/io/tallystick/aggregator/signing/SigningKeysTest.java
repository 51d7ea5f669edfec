package io.tallystick.aggregator.signing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.ManualClock;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.db.DatabaseUrl;
import io.tallystick.aggregator.db.Ids;
import io.tallystick.aggregator.db.Migrations;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.jose.Ed25519;
import io.tallystick.common.jose.Jwk;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.json.Json;
import io.tallystick.testkit.TestDatabase;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The aggregator's keys: published before use, wrapped in the database, public ones kept for ever. */
class SigningKeysTest {
    @RegisterExtension
    static final TestDatabase DB = TestDatabase.migratedBy(url -> new Migrations(DatabaseUrl.parse(url)).migrate());

    private static final byte[] PAYLOAD = "{}".getBytes(StandardCharsets.UTF_8);

    private final ManualClock clock = new ManualClock(Instant.parse("2026-03-10T09:30:00Z"));
    private final Vertx vertx = Vertx.vertx();
    private final Database database = Database.open(vertx, DatabaseUrl.parse(DB.url()), TestDatabase.POOL_SIZE);

    @BeforeEach
    void empty() {
        DB.execute("DELETE FROM signing_key");
    }

    @AfterEach
    void close() {
        await(database.close());
        await(vertx.close());
    }

    @Test
    void theFirstKeySignsAtOnceAndARestartUsesTheSame() {
        SigningKeys keys = started(new byte[32]);
        String kid = String.valueOf(keys.sign(Typ.RECEIPT, PAYLOAD).header().kid());
        assertEquals(
                kid,
                String.valueOf(started(new byte[32])
                        .sign(Typ.RECEIPT, PAYLOAD)
                        .header()
                        .kid()));
        assertEquals(1, keys.published().size());
    }

    @Test
    void theNextKeyIsPublishedADayBeforeItSignsAndTheOldOneStillVerifies() {
        SigningKeys keys = started(new byte[32]);
        Jws before = keys.sign(Typ.RECEIPT, PAYLOAD);
        String next = await(keys.rotate());
        assertTrue(keys.published().stream().anyMatch(k -> k.kid().equals(next)));
        clock.advance(SigningKeys.PUBLISHED_BEFORE_USE.minus(Duration.ofMillis(1)));
        assertEquals(
                before.header().kid(), keys.sign(Typ.RECEIPT, PAYLOAD).header().kid());
        clock.advance(Duration.ofMillis(1));
        assertEquals(next, keys.sign(Typ.RECEIPT, PAYLOAD).header().kid());
        Jwk old = await(keys.byKid(String.valueOf(before.header().kid()))).key();
        before.verified(old, Ed25519.JDK);
    }

    @Test
    void aKeyMadeByAnotherReplicaIsPickedUp() {
        SigningKeys one = started(new byte[32]);
        SigningKeys other = started(new byte[32]);
        String next = await(one.rotate());
        await(other.refresh());
        clock.advance(SigningKeys.PUBLISHED_BEFORE_USE);
        assertEquals(next, other.sign(Typ.RECEIPT, PAYLOAD).header().kid());
    }

    @Test
    void aDatabaseWithoutItsWrappingKeySignsNothing() {
        started(new byte[32]);
        byte[] other = new byte[32];
        other[0] = 1;
        IllegalStateException refused = assertThrows(IllegalStateException.class, () -> started(other));
        assertTrue(String.valueOf(refused.getMessage()).contains("keys.wrapping-key.file"), refused.toString());
    }

    @Test
    void aWrappedKeyMovedToAnotherRowIsRefused() {
        KeyWrap wrap = new KeyWrap(List.of(new byte[32]), new SecureRandom());
        byte[] seed = {1, 2, 3};
        byte[] wrapped = wrap.wrap("a", seed);
        assertArrayEquals(seed, wrap.unwrap("a", wrapped));
        assertThrows(IllegalStateException.class, () -> wrap.unwrap("b", wrapped));
    }

    @Test
    void aKeyIsRetiredOnlyWhenAnotherSignsAndNoLeaseOfItsIsInUse() {
        SigningKeys keys = started(new byte[32]);
        Jws before = keys.sign(Typ.RECEIPT, PAYLOAD);
        String kid = String.valueOf(before.header().kid());
        assertEquals(ErrorCode.CONFLICT, refusal(keys, kid));
        String next = await(keys.rotate());
        assertEquals(ErrorCode.CONFLICT, refusal(keys, kid));
        clock.advance(
                SigningKeys.PUBLISHED_BEFORE_USE.plus(SigningKeys.RETIRED_AFTER).minusMillis(1));
        assertEquals(ErrorCode.CONFLICT, refusal(keys, kid));
        clock.advance(Duration.ofMillis(1));
        retire(keys, kid, false);
        retire(keys, kid, false);
        assertEquals(
                List.of(next),
                keys.published().stream().map(SigningKeys.Published::kid).toList());
        assertEquals(next, keys.sign(Typ.RECEIPT, PAYLOAD).header().kid());
        before.verified(await(keys.byKid(kid)).key(), Ed25519.JDK);
        assertEquals(ErrorCode.CONFLICT, refusal(keys, next));
        assertEquals(ErrorCode.NOT_FOUND, refusal(keys, "no-such-key"));
    }

    @Test
    void aKeyThatLeakedIsReplacedAndRetiredAtOnce() {
        SigningKeys keys = started(new byte[32]);
        String leaked = String.valueOf(keys.sign(Typ.RECEIPT, PAYLOAD).header().kid());
        clock.advance(Duration.ofSeconds(1));
        String next = await(database.transactor().inTx(tx -> keys.rotate(tx, true)));
        retire(keys, leaked, true);
        assertEquals(next, keys.sign(Typ.RECEIPT, PAYLOAD).header().kid());
        assertEquals(1, keys.published().size());
    }

    @Test
    void theWrappingKeyIsChangedWithoutAMomentInWhichNobodySigns() {
        byte[] old = new byte[32];
        byte[] fresh = new byte[32];
        fresh[0] = 1;
        String kid =
                String.valueOf(started(old).sign(Typ.RECEIPT, PAYLOAD).header().kid());
        SigningKeys both = started(new KeyWrap(List.of(fresh, old), new SecureRandom()));
        assertEquals(kid, both.sign(Typ.RECEIPT, PAYLOAD).header().kid());
        assertEquals(1, await(database.transactor().inTx(both::rewrap)));
        assertEquals(kid, started(fresh).sign(Typ.RECEIPT, PAYLOAD).header().kid());
        assertThrows(IllegalStateException.class, () -> started(old));
    }

    @Test
    void whatIsWrappedInTheDatabaseIsWhatTheCommandRewraps() throws SQLException {
        try (Connection db = DB.connect();
                Statement query = db.createStatement();
                ResultSet rows = query.executeQuery("SELECT table_name || '.' || column_name FROM"
                        + " information_schema.columns WHERE column_name LIKE 'wrapped%' ORDER BY 1")) {
            List<String> columns = new ArrayList<>();
            while (rows.next()) {
                columns.add(rows.getString(1));
            }
            assertEquals(
                    List.of("cloud_key.wrapped_secret", "registration_key.wrapped_key", "signing_key.wrapped_key"),
                    columns,
                    "add it to keys rewrap");
        }
    }

    @Test
    void aPublicKeyThatTheDatabaseForgotVerifiesAgainAndNeverSigns() {
        SigningKeys keys = started(new byte[32]);
        SigningKeys.Published forgotten = keys.published().get(0);
        Jws before = keys.sign(Typ.RECEIPT, PAYLOAD);
        DB.execute("DELETE FROM signing_key");
        List<SigningKeys.Published> copy = KeySet.parse(Json.writeBytes(KeySet.json(List.of(forgotten, forgotten))));
        assertEquals(List.of(forgotten.kid()), await(database.transactor().inTx(tx -> keys.remember(tx, copy))));
        assertEquals(List.of(), await(database.transactor().inTx(tx -> keys.remember(tx, copy))));

        // Also where it is the only one: another is made.
        SigningKeys restored = started(new byte[32]);
        before.verified(await(restored.byKid(forgotten.kid())).key(), Ed25519.JDK);
        Jws after = restored.sign(Typ.RECEIPT, PAYLOAD);
        assertNotEquals(forgotten.kid(), after.header().kid());
        assertEquals(
                List.of(String.valueOf(after.header().kid())),
                restored.published().stream().map(SigningKeys.Published::kid).toList());
        assertEquals(1, await(database.transactor().inTx(restored::rewrap)), "it has nothing to wrap");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{}|kty: is missing",
                "{'keys':[{'kty':'RSA'}]}|keys[0].kty: must be OKP",
                "{'kty':'OKP','crv':'Ed25519','x':'11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo','kid':'mine'}"
                        + "|kid: must be the thumbprint of the key",
                "{'keys':[],'more':1}|more: ",
                "{'keys':[{'kty':'OKP','crv':'Ed25519','x':'11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',"
                        + "'kid':'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k','use':'enc'}]}|keys[0].use: must be sig"
            })
    void whatIsNoKeySetIsRefusedWithWhatIsWrong(String json, String problem) {
        Failure refused = assertThrows(
                Failure.class, () -> KeySet.parse(json.replace('\'', '"').getBytes(StandardCharsets.UTF_8)));
        assertTrue(refused.problems().stream().anyMatch(p -> p.toString().startsWith(problem)), refused.toString());
    }

    private void retire(SigningKeys keys, String kid, boolean now) {
        await(database.transactor().inTx(tx -> keys.retire(tx, kid, now)));
        await(keys.refresh());
    }

    @Test
    void noKeysIdBeginsWithAHyphenWhichCommandsTakeForAnOption() {
        SigningKeys keys = started(new byte[32]);
        for (int i = 0; i < 100; i++) {
            assertFalse(await(keys.rotate()).startsWith("-"));
        }
    }

    private ErrorCode refusal(SigningKeys keys, String kid) {
        return assertThrows(Failure.class, () -> retire(keys, kid, false)).code();
    }

    private SigningKeys started(byte[] wrappingKey) {
        SecureRandom random = new SecureRandom();
        return started(new KeyWrap(List.of(wrappingKey), random));
    }

    private SigningKeys started(KeyWrap wrap) {
        SigningKeys keys = new SigningKeys(database, wrap, new Ids(clock, new SecureRandom()), clock);
        await(keys.start());
        return keys;
    }

    private static <T> T await(Future<T> future) {
        try {
            return future.await(10, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            throw new AssertionError(e);
        }
    }
}
