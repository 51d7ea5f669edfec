package io.tallystick.sandbox;

import java.util.UUID;
import org.jose4j.jwt.JwtClaims;
import org.jose4j.jwt.MalformedClaimException;

/** The vendor's program asks at start-up whether it is a genuine, entitled copy, and does not take anybody's word. */
final class EntitledStep implements Story.Step {
    @Override
    public String title() {
        return "the vendor's program asks the agent and verifies the answer offline";
    }

    @Override
    public void play(Scene scene) {
        Marketplace market = scene.market();
        Seed seed = scene.seed();
        Agent agent = market.firstAgent();
        // Fetched before: from here on nothing but the lease, the keys and the clock decides.
        LeaseCheck check = new LeaseCheck(
                market.rest().get("/.well-known/jwks.json").expect(200).text(),
                market.aggregatorUrl().toString(),
                market.clock());
        String nonce = UUID.randomUUID().toString();
        Doc answer = agent.entitlement(seed.productCode(), nonce);
        Expect.equal("decision", "allow", answer.text("decision"));
        scene.tell()
                .did("GET /v1/entitlement of the agent", answer.text("decision") + ", state " + answer.text("state"));

        String lease = answer.text("lease");
        JwtClaims claims = check.verify(lease, seed.productCode());
        Expect.equal("account of the lease", seed.cloudAccount(), claims.getClaimValue("account"));
        Expect.equal("instance of the lease", seed.instance(), claims.getClaimValue("instance"));
        Expect.equal("product of the lease", seed.productId(), claims.getClaimValue("product_id"));
        Expect.that(check.refuses(lease, "another-code"), "the lease refused for another product code", "accepted");
        Expect.that(
                check.refuses(tampered(lease), seed.productCode()),
                "a lease with a changed signature refused",
                "accepted");
        scene.tell()
                .did(
                        "verified the lease with jose4j against the aggregator's keys, issuer and audience pinned",
                        "holds for " + claims.getClaimValue("instance") + " until " + expiry(claims));

        check.verifyNonce(answer.text("nonceProof"), nonce, lease, claims);
        scene.tell()
                .did(
                        "checked the nonce's signature by the key the lease names",
                        "nonce and lease hash signed by " + LeaseCheck.jkt(claims));
    }

    private static String expiry(JwtClaims claims) {
        try {
            return java.time.Instant.ofEpochSecond(claims.getExpirationTime().getValue())
                    .toString();
        } catch (MalformedClaimException e) {
            throw new StepFailure("a lease with an expiry", claims.toString());
        }
    }

    /** The lease with the first character of its signature changed; the last one may hold only spare bits. */
    private static String tampered(String lease) {
        int at = lease.lastIndexOf('.') + 1;
        char other = lease.charAt(at) == 'A' ? 'B' : 'A';
        return lease.substring(0, at) + other + lease.substring(at + 1);
    }
}
