package io.tallystick.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import io.tallystick.cloudsim.Fault;
import io.tallystick.cloudsim.SimulatedVm;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A metadata service that was taken over or tampered with: the agent waits or denies, and is led nowhere. */
class MetadataThreatsTest {
    @TempDir
    Path dir;

    @Test
    void s7ARedirectOfTheMetadataServiceIsNotFollowed() throws Exception {
        AtomicInteger visits = new AtomicInteger();
        HttpServer elsewhere = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 8);
        elsewhere.createContext("/", exchange -> {
            visits.incrementAndGet();
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        elsewhere.start();
        try (Rig rig = new Rig(dir)) {
            SimulatedVm vm = rig.vm(Rig.CODE);
            vm.inject(
                    Fault.redirect("http://127.0.0.1:" + elsewhere.getAddress().getPort() + "/"));
            Rig.Running agent = rig.agent(vm, dir.resolve("state"));
            Rig.until("a note", () -> agent.get("/v1/status").text("notes").contains("metadata"));
            assertEquals("DISCOVERING", agent.state());
            assertEquals("unknown", agent.get("/v1/entitlement").text("decision"));
            assertEquals(0, visits.get());
            heal(rig, vm, agent);
        } finally {
            elsewhere.stop(0);
        }
    }

    @Test
    void s7AnEndlessAnswerIsCutOffAndTheAgentGoesOn() throws Exception {
        try (Rig rig = new Rig(dir)) {
            SimulatedVm vm = rig.vm(Rig.CODE);
            vm.inject(Fault.huge(1L << 30));
            Rig.Running agent = rig.agent(vm, dir.resolve("state"));
            Rig.until("a note", () -> agent.get("/v1/status").text("notes").contains("metadata"));
            assertEquals("unknown", agent.get("/v1/entitlement").text("decision"));
            heal(rig, vm, agent);
        }
    }

    @Test
    void productCodesThatDifferFromTheSignedDocumentAreDeniedWithoutAsking() throws Exception {
        try (Rig rig = new Rig(dir)) {
            SimulatedVm vm = rig.vm(Rig.CODE);
            vm.inject(new Fault(
                    Fault.Kind.REPLACE,
                    "/latest/meta-data/product-codes",
                    0,
                    Duration.ZERO,
                    0,
                    0,
                    "a-cheaper-product"));
            Rig.Running agent = rig.agent(vm, dir.resolve("state"));
            agent.untilState("DENIED");
            assertEquals("invalid-evidence", agent.get("/v1/entitlement").text("code"));
            assertTrue(rig.aggregator.leaseRequests() == 0, "nothing was asked for");
        }
    }

    private static void heal(Rig rig, SimulatedVm vm, Rig.Running agent) throws Exception {
        vm.heal();
        Rig.until("discovery", () -> {
            rig.time.advance(Duration.ofMinutes(1));
            return agent.state().equals("ENTITLED");
        });
    }
}
