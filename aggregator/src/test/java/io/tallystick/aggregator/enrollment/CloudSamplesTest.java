package io.tallystick.aggregator.enrollment;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.ManualClock;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.billing.Market;
import io.tallystick.aggregator.portal.Visitor;
import io.tallystick.aggregator.usage.ProtocolClient;
import io.tallystick.aggregator.usage.SimulatedRegion;
import io.tallystick.aggregator.web.Role;
import io.tallystick.cloudsim.AccessKey;
import io.tallystick.cloudsim.ApiFault;
import io.tallystick.cloudsim.Cloud;
import io.tallystick.cloudsim.ControlApi;
import io.tallystick.cloudsim.SharedKeys;
import io.tallystick.cloudsim.SimulatedClouds;
import io.tallystick.cloudsim.SimulatedVm;
import io.tallystick.cloudsim.VmSpec;
import io.tallystick.common.json.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What clouds show running, through their APIs, beside what is enrolled. */
class CloudSamplesTest {
    private static final String OWN = "900000000001";
    private static final String BUYER = "900000000002";
    private static final String REGION = "eu-west-3";
    private static final String OSC_REGION = "eu-west-2";
    private static final Duration DUE = Duration.ofMinutes(6);

    private static final ManualClock CLOUD_CLOCK = new ManualClock(RunningAggregator.START);
    private static final SimulatedClouds CLOUDS;
    private static final ControlApi API;

    static {
        try {
            Path dir = Files.createTempDirectory("cloud-samples");
            dir.toFile().deleteOnExit();
            CLOUDS = SimulatedClouds.startWithKeys(dir, SharedKeys.folder(), CLOUD_CLOCK);
            API = new ControlApi(CLOUDS, 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with(
            "trust.dir=" + SimulatedRegion.trustFolder(),
            "images.aws.account=" + OWN,
            "images.aws.key-file=" + keyFile(CLOUDS.key(Cloud.AWS, OWN, true)),
            "images.aws.endpoint=http://127.0.0.1:" + API.port(),
            "images.outscale.endpoint=http://127.0.0.1:" + API.port(),
            // Rounds are the test's.
            "images.sample-every=off");

    private static Path keyFile(AccessKey key) {
        try {
            Path file = Files.createTempFile("cloud-key", "");
            file.toFile().deleteOnExit();
            return Files.writeString(file, key.accessKeyId() + "\n" + key.secretKey() + "\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @AfterEach
    void theApisAreWell() {
        CLOUDS.inject(List.of());
        CLOUDS.vms().stream()
                .filter(vm -> !vm.state().wire().equals("terminated"))
                .forEach(SimulatedVm::terminate);
    }

    @AfterAll
    static void close() {
        API.close();
        CLOUDS.close();
    }

    private static List<String> texts(String sql) {
        try (Connection connection = RUNNING.database().connect();
                ResultSet rows = connection.createStatement().executeQuery(sql)) {
            List<String> texts = new ArrayList<>();
            while (rows.next()) {
                texts.add(rows.getString(1));
            }
            return texts;
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    private static void pass(Duration time) {
        CLOUD_CLOCK.advance(time);
        RUNNING.clock().advance(time);
    }

    private static SimulatedVm launch(String account, Cloud cloud, String region, String code) {
        return CLOUDS.launch(VmSpec.of(account).cloud(cloud).region(region).productCodes(code));
    }

    /** The state of each VM of this code, by instance. */
    private static Map<String, String> states(Market market) {
        Map<String, String> states = new TreeMap<>();
        Http.Answer answer = RUNNING.http()
                .get("/v1/cloud-instances?productCode=" + market.code, RUNNING.operator())
                .expect(200);
        answer.list("items")
                .forEach(i -> states.put(String.valueOf(i.get("instance")), String.valueOf(i.get("state"))));
        return states;
    }

    /** The same as {@link #states}, a page after the other. */
    private static Map<String, String> byPagesOfOne(Market market) {
        Map<String, String> states = new TreeMap<>();
        String path = "/v1/cloud-instances?limit=1&productCode=" + market.code;
        for (String after = ""; !after.equals("null"); ) {
            Http.Answer page =
                    RUNNING.http().get(path + after, RUNNING.operator()).expect(200);
            page.list("items")
                    .forEach(i -> states.put(String.valueOf(i.get("instance")), String.valueOf(i.get("state"))));
            Object next = page.json().get("next");
            after = next == null ? "null" : "&after=" + next;
        }
        return states;
    }

    /** Which regions there are is looked up in the whole fleet: not each half minute. */
    @Test
    void aRoundBeforeAnythingIsDueLeavesTheFleetAlone() throws SQLException {
        Market market = new Market(RUNNING, "requests");
        SimulatedVm vm = launch(OWN, Cloud.AWS, REGION, market.code);
        SimulatedRegion.client(
                        RUNNING,
                        new ProtocolClient.Vm(
                                OWN, vm.instanceId(), REGION, RUNNING.clock().instant(), List.of(market.code)))
                .enroll();
        pass(DUE);
        RUNNING.sampleClouds();
        pass(Duration.ofMinutes(1));
        try (Connection busy = RUNNING.database().connect()) {
            busy.setAutoCommit(false);
            busy.createStatement().execute("LOCK TABLE enrollment IN ACCESS EXCLUSIVE MODE");
            RUNNING.sampleClouds();
            busy.rollback();
        }
        vm.terminate();
        pass(DUE);
        RUNNING.sampleClouds();
        assertEquals(Map.of(), states(market));
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> atClouds(Market market) {
        return (Map<String, Object>) RUNNING.http()
                .get("/v1/products/" + market.product + "/impact", RUNNING.operator())
                .expect(200)
                .json()
                .get("atClouds");
    }

    private static String numbers(Map<String, Object> atClouds) {
        return atClouds.get("running") + " " + atClouds.get("unenrolled") + " " + atClouds.get("silent") + " "
                + atClouds.get("notRunning");
    }

    @Test
    void whatRunsIsShownBesideWhatIsEnrolledAndTheOtherWayRound() {
        Market market = new Market(RUNNING, "requests");
        SimulatedVm metered = launch(OWN, Cloud.AWS, REGION, market.code);
        SimulatedVm unmetered = launch(OWN, Cloud.AWS, REGION, market.code);
        launch(OWN, Cloud.AWS, REGION, "another-code");
        ProtocolClient agent = SimulatedRegion.client(
                RUNNING,
                new ProtocolClient.Vm(
                        OWN, metered.instanceId(), REGION, RUNNING.clock().instant(), List.of(market.code)));
        agent.enroll();
        assertEquals("0 0 0 0", numbers(atClouds(market)));

        pass(DUE);
        RUNNING.sampleClouds();
        assertEquals(Map.of(metered.instanceId(), "matched", unmetered.instanceId(), "unenrolled"), states(market));
        assertEquals(states(market), byPagesOfOne(market));
        Visitor operator = RUNNING.visitor(Role.OPERATOR, null);
        String page = operator.get("/portal/cloud-instances").expect(200).text();
        assertTrue(page.contains("<code>" + unmetered.instanceId() + "</code>"), page);
        assertFalse(page.contains(metered.instanceId()), page);
        assertTrue(
                operator.get("/portal/cloud-instances?state=matched")
                        .expect(200)
                        .text()
                        .contains("<code>" + metered.instanceId() + "</code></a>"),
                page);
        assertEquals("2 1 0 0", numbers(atClouds(market)));

        // What a cloud shows is asked for once within the interval, and what is gone by then is gone here.
        unmetered.terminate();
        RUNNING.sampleClouds();
        assertEquals("2 1 0 0", numbers(atClouds(market)));
        pass(DUE);
        RUNNING.sampleClouds();
        assertEquals(Map.of(metered.instanceId(), "matched"), states(market));

        // A VM that stops is no finding, until its agent speaks up long after.
        metered.stop();
        pass(DUE);
        RUNNING.sampleClouds();
        assertEquals(Map.of(), states(market));
        pass(Duration.ofMinutes(70));
        agent.lease();
        RUNNING.sampleClouds();
        assertEquals(Map.of(metered.instanceId(), "not-running"), states(market));
        assertEquals("0 0 0 1", numbers(atClouds(market)));

        // It runs again, and its agent falls silent.
        metered.start();
        pass(Duration.ofHours(25));
        RUNNING.sampleClouds();
        assertEquals(Map.of(metered.instanceId(), "silent"), states(market));
    }

    /** As a tab of the page says it. */
    private static int unenrolled(Visitor operator) {
        String page = operator.get("/portal/cloud-instances").expect(200).text();
        Matcher tab =
                Pattern.compile("state=unenrolled\"[^>]*>[^<(]*\\((\\d+)\\)").matcher(page);
        assertTrue(tab.find(), page);
        return Integer.parseInt(tab.group(1));
    }

    private static ProtocolClient agentOf(SimulatedVm vm, Market market) {
        return SimulatedRegion.client(
                RUNNING,
                new ProtocolClient.Vm(
                        OWN, vm.instanceId(), REGION, RUNNING.clock().instant(), List.of(market.code)));
    }

    /** A count goes through the whole fleet. */
    @Test
    void howeverOftenThePageIsLookedAtItCountsOnceForAnAnswerAndOnceAMinute() {
        Market market = new Market(RUNNING, "requests");
        agentOf(launch(OWN, Cloud.AWS, REGION, market.code), market).enroll();
        SimulatedVm late = launch(OWN, Cloud.AWS, REGION, market.code);
        pass(DUE);
        RUNNING.sampleClouds();
        Visitor operator = RUNNING.visitor(Role.OPERATOR, null);
        int before = unenrolled(operator);
        agentOf(late, market).enroll();
        assertEquals(before, unenrolled(operator));
        pass(CloudSamples.COUNTED_KEPT);
        assertEquals(before - 1, unenrolled(operator));
        launch(OWN, Cloud.AWS, REGION, market.code);
        pass(DUE);
        assertEquals(before - 1, unenrolled(operator));
        RUNNING.sampleClouds();
        assertEquals(before, unenrolled(operator));
    }

    @Test
    void aCloudThatDoesNotAnswerLeavesWhatWasSeenForAnHour() {
        Market market = new Market(RUNNING, "requests");
        SimulatedVm vm = launch(OWN, Cloud.AWS, REGION, market.code);
        SimulatedRegion.client(
                        RUNNING,
                        new ProtocolClient.Vm(
                                OWN, vm.instanceId(), REGION, RUNNING.clock().instant(), List.of(market.code)))
                .enroll();
        pass(DUE);
        RUNNING.sampleClouds();
        assertEquals("1 0 0 0", numbers(atClouds(market)));
        CLOUDS.inject(List.of(new ApiFault(Cloud.AWS, ApiFault.Kind.THROTTLE, "", 0, Duration.ZERO)));
        pass(DUE);
        RUNNING.sampleClouds();
        assertEquals("1 0 0 0", numbers(atClouds(market)));
        assertEquals(
                List.of("RequestLimitExceeded"),
                texts("SELECT split_part(error, ':', 1) FROM cloud_sample WHERE cloud = 'aws' AND region = '" + REGION
                        + "'"));
        pass(Duration.ofHours(1));
        assertEquals("0 0 0 0", numbers(atClouds(market)));
    }

    @Test
    void aLentKeyShowsItsOwnAccountAndNoOther() {
        Market market = new Market(RUNNING, "requests");
        RUNNING.cloudAccount(market.buyer, "outscale", BUYER);
        RUNNING.database()
                .execute("INSERT INTO product_version (id, product_id, title, release_notes, cloud, region,"
                        + " source_image_id, source_image_name, status, created_at, modified_at,"
                        + " published_at) VALUES ('ver-lent', '" + market.product + "', '1', 'n', 'outscale', '"
                        + OSC_REGION + "', 'ami-s', 'name', 'published', now(), now(), now())");
        RUNNING.copied("ver-lent", OSC_REGION, "ami-lent");
        SimulatedVm vm = launch(BUYER, Cloud.OUTSCALE, OSC_REGION, market.code);
        launch(OWN, Cloud.OUTSCALE, OSC_REGION, market.code);
        lend(CLOUDS.key(Cloud.OUTSCALE, BUYER, true));
        RUNNING.sampleClouds();
        assertEquals(Map.of(vm.instanceId(), "unenrolled"), states(market));

        // A key that turns out to be another account's tells nothing.
        lend(CLOUDS.key(Cloud.OUTSCALE, OWN, true));
        pass(DUE);
        RUNNING.sampleClouds();
        assertEquals(Map.of(vm.instanceId(), "unenrolled"), states(market));
        assertEquals(
                List.of("other-account"),
                texts("SELECT split_part(error, ':', 1) FROM cloud_sample WHERE cloud = 'outscale'"));
    }

    private static void lend(AccessKey key) {
        RUNNING.http()
                .post(
                        "/v1/cloud-keys",
                        RUNNING.operator(),
                        Json.write(Json.object(
                                "cloud",
                                "outscale",
                                "cloudAccount",
                                BUYER,
                                "accessKey",
                                key.accessKeyId(),
                                "secretKey",
                                key.secretKey())))
                .expect(200);
    }
}
