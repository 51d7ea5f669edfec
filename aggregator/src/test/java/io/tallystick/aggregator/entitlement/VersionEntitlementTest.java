package io.tallystick.aggregator.entitlement;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.usage.ProtocolClient;
import io.tallystick.aggregator.usage.SimulatedRegion;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.wire.Decision;
import io.tallystick.common.wire.Lease;
import io.tallystick.testkit.Rule;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The decision table's rows about versions, from signed evidence to signed lease. The pure table: VersionRulesTest. */
class VersionEntitlementTest {
    /** The image that the simulated region's VMs run. */
    private static final String IMAGE = "ami-0123456789abcdef0";

    private static final AtomicInteger COUNT = new AtomicInteger();

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with("trust.dir=" + SimulatedRegion.trustFolder());

    private String product = "";
    private String code = "";

    @BeforeEach
    void aPublicProduct() {
        product = RUNNING.product(RUNNING.account("seller"), "calls");
        RUNNING.visibility(product, "LIMITED", "PUBLIC");
        code = RUNNING.code(product);
    }

    /** A published version of the product, whose copy is this image. */
    private String version(String title, String image) {
        String id = "ver-" + COUNT.incrementAndGet();
        RUNNING.database()
                .execute("INSERT INTO product_version (id, product_id, title, release_notes, cloud, region,"
                        + " source_image_id, source_image_name, status, created_at, modified_at,"
                        + " published_at) VALUES ('" + id + "', '" + product + "', '" + title + "', 'n', 'aws', 'r-"
                        + id
                        + "', 'ami-source-" + id + "', 'name', 'published', '" + now() + "', '" + now() + "', '" + now()
                        + "')");
        RUNNING.copied(id, "r-" + id, image);
        return id;
    }

    private void move(String version, String status) {
        RUNNING.database()
                .execute("UPDATE product_version SET status = '" + status + "', " + status + "_at = '" + now()
                        + "' WHERE id = '" + version + "'");
    }

    private static Instant now() {
        return RUNNING.clock().instant();
    }

    private static void later() {
        RUNNING.clock().advance(Duration.ofHours(1));
    }

    /** A VM of a new buyer's that has subscribed now, and not started yet. */
    private ProtocolClient buyersVm() {
        String account = String.valueOf(500_000_000_000L + COUNT.incrementAndGet());
        String buyer = RUNNING.account("buyer");
        RUNNING.cloudAccount(buyer, "aws", account);
        RUNNING.agreement(product, buyer);
        return launch(account);
    }

    private ProtocolClient launch(String account) {
        return SimulatedRegion.client(RUNNING, SimulatedRegion.vm(account, now(), List.of(code)));
    }

    private static Decision decision(ProtocolClient vm) {
        return vm.enroll().decisions().get(0);
    }

    private static Lease lease(Decision decision) {
        return Lease.parse(
                Jws.parseCompact(decision.lease().orElseThrow(), Typ.LEASE).payload());
    }

    @Test
    @Rule("R6")
    void aLeaseNamesTheVersionAndRecommendsTheLatest() {
        version("1.0", IMAGE);
        ProtocolClient vm = buyersVm();
        Lease current = lease(decision(vm));
        assertEquals(Optional.of("1.0"), current.version());
        assertEquals(Optional.of("published"), current.versionStatus());
        assertEquals(Optional.empty(), current.notice());
        later();
        version("2.0", "ami-0000000000000002");
        Lease old = lease(vm.lease().decisions().get(0));
        assertEquals(Optional.of("1.0"), old.version());
        assertEquals(
                Optional.of("We recommend version 2.0 (image ami-0000000000000002, r-ver-" + COUNT.get()
                        + ") of A product."),
                old.notice());
    }

    @Test
    @Rule("R11")
    void aRestrictedVersionGoesOnForOldBuyersNewLaunchesIncluded() {
        String version = version("1.0", IMAGE);
        version("2.0", "ami-0000000000000003");
        ProtocolClient old = buyersVm();
        assertEquals(Decision.Outcome.ALLOW, decision(old).outcome());
        later();
        move(version, "restricted");
        later();
        Decision launchedLater = decision(launch(old.vm().account()));
        assertEquals(Decision.Outcome.ALLOW, launchedLater.outcome());
        assertEquals(Optional.of("restricted"), lease(launchedLater).versionStatus());
        old.restartAs("m5.xlarge");
        assertEquals(Decision.Outcome.ALLOW, old.lease().decisions().get(0).outcome());

        Decision fresh = decision(buyersVm());
        assertEquals(Decision.Outcome.DENY, fresh.outcome());
        assertEquals(Optional.of("version-restricted"), fresh.code());
        assertTrue(fresh.remedy().orElse("").contains("2.0 (image ami-0000000000000003"), fresh.toString());
    }

    @Test
    void whoEndsAndSubscribesAgainIsANewBuyer() {
        String version = version("1.0", IMAGE);
        ProtocolClient vm = buyersVm();
        decision(vm);
        later();
        move(version, "restricted");
        String agreement = RUNNING.http()
                .get("/v1/agreements?product=" + product, RUNNING.operator())
                .expect(200)
                .list("items")
                .get(0)
                .get("id")
                .toString();
        String account = RUNNING.http()
                .get("/v1/agreements/" + agreement, RUNNING.operator())
                .expect(200)
                .get("account");
        RUNNING.http()
                .send("POST", "/v1/agreements/" + agreement + "/end", RUNNING.operator(), null)
                .expect(200);
        later();
        RUNNING.agreement(product, account);
        assertEquals(
                Optional.of("version-restricted"), vm.lease().decisions().get(0).code());
    }

    @Test
    @Rule({"O7", "N10"})
    void anUnpublishedVersionGoesOnForVmsLaunchedBefore() {
        String version = version("1.0", IMAGE);
        ProtocolClient before = buyersVm();
        assertEquals(Decision.Outcome.ALLOW, decision(before).outcome());
        later();
        move(version, "unpublished");
        later();
        assertEquals(Decision.Outcome.ALLOW, before.lease().decisions().get(0).outcome());
        // Stopped and started: the document's pending time is new, the VM is not.
        before.restartAs("m5.xlarge");
        Decision restarted = before.lease().decisions().get(0);
        assertEquals(Decision.Outcome.ALLOW, restarted.outcome());
        assertEquals(Optional.of("unpublished"), lease(restarted).versionStatus());
        assertTrue(lease(restarted).notice().orElse("").contains("1.0 of A product is unpublished"));

        Decision after = decision(launch(before.vm().account()));
        assertEquals(Optional.of("version-unpublished"), after.code());
    }

    @Test
    @Rule("R18")
    void ofADerivedImageTheProductAloneDecides() {
        String version = version("1.0", "ami-0000000000000004");
        move(version, "restricted");
        later();
        Decision derived = decision(buyersVm());
        assertEquals(Decision.Outcome.ALLOW, derived.outcome());
        assertEquals(Optional.empty(), lease(derived).version());
        assertEquals(Optional.of("derived"), lease(derived).versionStatus());
    }
}
