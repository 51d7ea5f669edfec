package io.tallystick.aggregator.account;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.web.Role;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class AccountsAndTokensTest {
    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with();

    private static Http.Answer post(String path, String json) {
        return RUNNING.http().post(path, RUNNING.operator(), json.replace('\'', '"'));
    }

    private static String text(String sql) {
        try (Connection connection = RUNNING.database().connect();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            return rows.next() ? String.valueOf(rows.getString(1)) : "";
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aCloudAccountBelongsToOneAccountOnly() {
        String first = post(
                        "/v1/accounts",
                        "{'kind':'buyer','name':'A','cloudAccounts':[{'cloud':'aws','accountId':'111'}]}")
                .expect(201)
                .get("id");
        Http.Answer taken = post(
                        "/v1/accounts",
                        "{'kind':'buyer','name':'B','cloudAccounts':[{'cloud':'aws','accountId':'111'}]}")
                .expect(409);
        assertEquals("already-exists", taken.get("code"));
        assertEquals("0", text("SELECT count(*) FROM account WHERE name = 'B'"), "the refused account must not stay");
        String other = RUNNING.account("buyer");
        post("/v1/accounts/" + other + "/cloud-accounts", "{'cloud':'aws','accountId':'111'}")
                .expect(409);
        // The same number at another cloud is another account.
        Http.Answer added = post("/v1/accounts/" + other + "/cloud-accounts", "{'cloud':'outscale','accountId':'111'}")
                .expect(200);
        assertEquals(List.of(Map.of("cloud", "outscale", "accountId", "111")), added.list("cloudAccounts"));
        assertEquals(
                added.json(),
                RUNNING.http().get("/v1/accounts/" + other, RUNNING.operator()).json());
        assertNotEquals(first, other);
    }

    @Test
    void everyProblemOfABodyIsNamed() {
        Http.Answer answer = post(
                        "/v1/accounts",
                        "{'kind':'admin','name':'','cloudAccounts':[{'cloud':'AWS','accountId':'a b'},7],'x':1}")
                .expect(400);
        assertEquals(
                List.of(
                        "kind",
                        "name",
                        "cloudAccounts[1]",
                        "cloudAccounts[0].cloud",
                        "cloudAccounts[0].accountId",
                        "x"),
                answer.list("errors").stream().map(e -> e.get("path")).toList());
    }

    @Test
    void aSecretIsShownOnceAndOnlyItsHashIsKept() {
        Http.Answer made =
                post("/v1/tokens", "{'role':'billing','description':'nightly'}").expect(201);
        String secret = made.get("secret");
        assertTrue(secret.matches("tks_[A-Za-z0-9_-]{43}"), secret);
        assertEquals("1", text("SELECT count(*) FROM api_token WHERE secret_sha256 = sha256('" + secret + "')"));
        assertFalse(RUNNING.http().get("/v1/tokens", RUNNING.operator()).text().contains(secret));
        assertFalse(text("SELECT string_agg(after_json, ',') FROM audit_event").contains(secret));
    }

    @Test
    void aRevokedTokenStopsAtOnceAndRevokingAgainChangesNothing() {
        Http.Answer made = post("/v1/tokens", "{'role':'operator'}").expect(201);
        RUNNING.http().get("/v1/accounts", made.get("secret")).expect(200);
        String path = "/v1/tokens/" + made.get("id");
        String revokedAt = RUNNING.http()
                .send("DELETE", path, RUNNING.operator(), null)
                .expect(200)
                .get("revokedAt");
        RUNNING.http().get("/v1/accounts", made.get("secret")).expect(401);
        RUNNING.clock().advance(Duration.ofSeconds(1));
        assertEquals(
                revokedAt,
                RUNNING.http()
                        .send("DELETE", path, RUNNING.operator(), null)
                        .expect(200)
                        .get("revokedAt"));
        RUNNING.http()
                .send("DELETE", "/v1/tokens/tok-none", RUNNING.operator(), null)
                .expect(404);
    }

    @Test
    void aTokenExpiresAtItsSecond() {
        String secret = RUNNING.token(
                Role.OPERATOR, null, Optional.of(RUNNING.clock().instant().plusSeconds(60)));
        RUNNING.clock().advance(Duration.ofMillis(59_999));
        RUNNING.http().get("/v1/accounts", secret).expect(200);
        RUNNING.clock().advance(Duration.ofMillis(1));
        RUNNING.http().get("/v1/accounts", secret).expect(401);
    }

    @Test
    void aTokensAccountFitsItsRole() {
        String seller = RUNNING.account("seller");
        String buyer = RUNNING.account("buyer");
        String operator = RUNNING.account("operator");
        post("/v1/tokens", "{'role':'seller','account':'" + seller + "'}").expect(201);
        post("/v1/tokens", "{'role':'buyer','account':'" + buyer + "'}").expect(201);
        post("/v1/tokens", "{'role':'buyer','account':'" + seller + "'}").expect(201);
        post("/v1/tokens", "{'role':'seller','account':'" + buyer + "'}").expect(400);
        post("/v1/tokens", "{'role':'buyer','account':'" + operator + "'}").expect(400);
        post("/v1/tokens", "{'role':'seller'}").expect(400);
        post("/v1/tokens", "{'role':'billing','account':'" + buyer + "'}").expect(400);
        post("/v1/tokens", "{'role':'seller','account':'acc-none'}").expect(404);
        post("/v1/tokens", "{'role':'billing','expiresAt':'2020-01-01T00:00:00Z'}")
                .expect(400);
    }

    @Test
    void everyChangeIsAuditedWithWhoAndWhat() {
        String id = RUNNING.account("buyer");
        post("/v1/accounts/" + id + "/cloud-accounts", "{'cloud':'aws','accountId':'777'}")
                .expect(200);
        assertEquals(
                "account.create,account.cloud-account.add",
                text("SELECT string_agg(action, ',' ORDER BY seq) FROM audit_event WHERE subject = '" + id + "'"));
        assertEquals(
                "[] 777",
                text("SELECT (before_json::json->>'cloudAccounts') || ' ' ||"
                        + " (after_json::json->'cloudAccounts'->0->>'accountId') FROM audit_event"
                        + " WHERE action = 'account.cloud-account.add' AND subject = '" + id + "'"));
        assertTrue(text("SELECT actor FROM audit_event WHERE subject = '" + id + "' LIMIT 1")
                .startsWith("token:tok-"));
    }

    @Test
    void aPseudonymIsStablePerSellerAndDifferentForEveryOther() {
        Pseudonym one = new Pseudonym(new byte[Pseudonym.KEY_BYTES]);
        byte[] otherKey = new byte[Pseudonym.KEY_BYTES];
        otherKey[0] = 1;
        assertEquals(one.of("acc-1"), one.of("acc-1"));
        assertNotEquals(one.of("acc-1"), one.of("acc-2"));
        assertNotEquals(one.of("acc-1"), new Pseudonym(otherKey).of("acc-1"));
        // Computed with: printf 'acc-1' | openssl dgst -sha256 -mac HMAC -macopt hexkey:00…00
        assertEquals("buyer-d90557f5c7a24370", one.of("acc-1"));
    }
}
