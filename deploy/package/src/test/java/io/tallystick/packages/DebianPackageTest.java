package io.tallystick.packages;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.common.json.Json;
import io.tallystick.testkit.NeedsTool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The package as a customer's VM meets it: installed by dpkg, run as the unit says, upgraded, downgraded, removed and
 * purged. systemd itself does not run here; its unit is checked by its own tool.
 */
class DebianPackageTest {
    private static final Path CHECKOUT =
            Path.of(System.getProperty("tallystick.root")).toAbsolutePath();
    private static final String MODULE = "deploy/package/target";
    private static final Path TARGET = CHECKOUT.resolve(MODULE);
    private static final long DISK_BYTES_MAX = 15_000_000;
    /** As `systemd-analyze security` rates, times ten: 0 is closed, 100 open. */
    private static final int EXPOSURE_MAX = 25;

    private static final String STATE = "/var/lib/tallystick-agent";
    private static final String UNIT = "/usr/lib/systemd/system/tallystick-agent.service";
    /** Starts it as the unit does, in a shell that lives on; waits for what the unit waits for. */
    private static final String START =
            """
            unit() { sed -n "s/^$1=//p" %s; }
            eval "$(unit ExecCondition)"
            setpriv --reuid "$(unit User)" --regid "$(unit Group)" --clear-groups --no-new-privs \\
              bash -c "$(unit ExecStart); echo \\$? >/tmp/exit" >/tmp/agent.log 2>&1 &
            eval "$(unit ExecStartPost)" || { cat /tmp/agent.log; exit 1; }
            """
                    .formatted(UNIT);

    private static final String STOP =
            """
            rm -f /tmp/exit
            kill -TERM "$(pgrep -f agent.app.Main)"
            for i in $(seq 150); do [ -s /tmp/exit ] && break; sleep 0.1; done
            cat /tmp/exit
            """;
    private static final String ARCHIVE = "/usr/lib/tallystick-agent/classes.jsa";
    /** Of the classes that a start loads, how many in a hundred the JVM has from its archives. */
    private static final String SHARED =
            """
            awk '/source:/ { all++ } /source: shared objects file/ { shared++ } END { print int(100 * shared / all) }' \\
              /tmp/classes.log
            """;

    private static final int SHARED_PERCENT_MIN = 90;

    private static final String CONFIGURE = "echo 'aggregator.url = http://127.0.0.1:9' >>/etc/tallystick/agent.conf";

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    private static String deb(String glob) throws IOException {
        try (Stream<Path> files = Files.list(TARGET)) {
            return OwnRoot.CHECKOUT + "/" + MODULE + "/"
                    + files.map(f -> f.getFileName().toString())
                            .filter(n -> n.matches(glob))
                            .findFirst()
                            .orElseThrow(() -> new AssertionError("not built: " + glob));
        }
    }

    /** The agent's key and what waits to be sent. */
    private record Kept(Object key, Object pendingSums) {
        static Kept of(OwnRoot root) throws IOException {
            Map<String, Object> status = Json.parseObject(
                    root.run("curl -sS http://127.0.0.1:8793/v1/status").ok());
            Map<?, ?> queue = (Map<?, ?>) Objects.requireNonNull(status.get("queue"));
            return new Kept(
                    Objects.requireNonNull(status.get("agentKey")), Objects.requireNonNull(queue.get("pendingSums")));
        }
    }

    @Test
    @NeedsTool({"root", "dpkg", "unshare", "setpriv", "ip", "pgrep", "curl"})
    void itInstallsStartsUpgradesDowngradesAndPurges() throws Exception {
        try (OwnRoot root = OwnRoot.open(dir, CHECKOUT)) {
            String deb = deb("tallystick-agent_.*_all\\.deb");
            root.run("dpkg -i " + deb).ok();
            // With the archive of classes, which is made when it is installed.
            long bytes = Long.parseLong(root.run("find /usr/lib/tallystick-agent /usr/share/doc/tallystick-agent"
                            + " /usr/lib/systemd/system/tallystick-agent* -type f -printf '%s\\n"
                            + "' | awk '{ n += $1 } END { print n }'")
                    .ok());
            assertTrue(bytes < DISK_BYTES_MAX, bytes + " bytes beside Java");
            assertEquals("root 644", root.run("stat -c '%U %a' " + ARCHIVE).ok());
            assertEquals(
                    "tallystick-agent 700", root.run("stat -c '%U %a' " + STATE).ok());
            assertNotEquals(0, root.run(START).exit(), "not before it was told which marketplace");
            root.run(CONFIGURE).ok();
            root.run(START).ok();
            assertEquals(
                    "tallystick-agent",
                    root.run("ps -o user:32= -p $(pgrep -f agent.app.Main)").ok());
            root.run("tallystick-agent meter --dimension requests --quantity 7 --idempotency-key a")
                    .ok();
            Kept kept = Kept.of(root);
            assertEquals(1L, kept.pendingSums());
            String metrics = root.run("curl -sS http://127.0.0.1:8793/metrics").ok();
            assertTrue(metrics.contains("tallystick_agent_usage_records_total 1.0"), metrics);
            assertEquals("", root.run("ls " + STATE + "/native").ok(), "nothing is unpacked");
            assertEquals("0", root.run(STOP).ok(), "SIGTERM");
            assertNotEquals(
                    0,
                    root.run("/usr/lib/tallystick-agent/bin/tallystick-agent-health")
                            .exit(),
                    "it is stopped");

            root.run("dpkg-deb -R " + deb
                            + " /tmp/next && sed -i 's/^Version:.*/Version: 99.0/' /tmp/next/DEBIAN/control"
                            + " && dpkg-deb -Znone -b /tmp/next /tmp/next.deb && dpkg -i /tmp/next.deb")
                    .ok();
            root.run(START).ok();
            assertEquals(kept, Kept.of(root), "after the upgrade");
            // Upgraded while it runs: its files stay open, and it stops in order afterwards.
            root.run("dpkg -i " + deb).ok();
            assertEquals("0", root.run(STOP).ok());
            root.run(START).ok();
            assertEquals(kept, Kept.of(root), "after the downgrade");
            assertEquals("0", root.run(STOP).ok());

            root.run("dpkg -L tallystick-agent | sort >/tmp/files; dpkg -r tallystick-agent")
                    .ok();
            assertEquals(
                    "kept",
                    root.run("test -s /etc/tallystick/agent.conf && echo kept").ok());
            String said = root.run("dpkg -P tallystick-agent").ok();
            assertTrue(said.contains("rm -r " + STATE), said);
            root.run("dpkg -i " + deb + "; " + CONFIGURE).ok();
            root.run(START).ok();
            assertEquals(kept, Kept.of(root), "a purge keeps the key");
            assertEquals("0", root.run(STOP).ok());

            root.run("touch " + STATE + "/forget-on-purge; dpkg -P tallystick-agent")
                    .ok();
            assertEquals(
                    "",
                    root.run("while read -r f; do [ -d \"$f\" ] || [ ! -e \"$f\" ] || echo \"$f\"; done </tmp/files"
                                    + "; ls -d " + STATE
                                    + " /usr/lib/tallystick-agent /etc/tallystick 2>/dev/null || true"
                                    + "; find /etc/systemd -name 'tallystick*'")
                            .ok(),
                    "nothing is left");
        }
    }

    /** Silence is part of it: a warning of the JVM's would be in the log of each start for as long as nobody renews it. */
    @Test
    @NeedsTool({"root", "dpkg", "unshare", "setpriv", "ip", "pgrep"})
    void aStartTakesItsClassesFromTheArchiveAndDoesWithoutOneThatDoesNotFit() throws Exception {
        try (OwnRoot root = OwnRoot.open(dir, CHECKOUT)) {
            root.run("dpkg -i " + deb("tallystick-agent_.*_all\\.deb") + "; " + CONFIGURE)
                    .ok();
            String start = "export TALLYSTICK_AGENT_JAVA_OPTS=-Xlog:class+load:file=/tmp/classes.log; " + START;
            root.run(start).ok();
            int shared = Integer.parseInt(root.run(SHARED).ok());
            assertTrue(shared >= SHARED_PERCENT_MIN, shared + " of 100 classes");
            assertEquals("0", root.run(STOP).ok());
            // Another version of a library, as far as the JVM can tell.
            root.run("touch /usr/lib/tallystick-agent/lib/jackson-core-*.jar").ok();
            root.run(start).ok();
            int without = Integer.parseInt(root.run(SHARED).ok());
            assertTrue(without < SHARED_PERCENT_MIN, without + " of 100 classes");
            assertEquals(
                    "",
                    root.run("grep -i -e cds -e 'shared ' /tmp/agent.log || true")
                            .ok());
            assertEquals("0", root.run(STOP).ok());
            // Another Java has been installed.
            root.run("rm " + ARCHIVE + "; dpkg-trigger --no-await /usr/lib/jvm; dpkg --triggers-only tallystick-agent"
                            + "; test -s " + ARCHIVE)
                    .ok();
            root.run(start).ok();
            assertTrue(Integer.parseInt(root.run(SHARED).ok()) >= SHARED_PERCENT_MIN, "renewed");
        }
    }

    @Test
    @NeedsTool({"root", "dpkg", "unshare", "setpriv", "ip", "pgrep", "curl", "jlink"})
    void theOneWithItsOwnRuntimeNeedsNoJava() throws Exception {
        try (OwnRoot root = OwnRoot.open(dir, CHECKOUT)) {
            root.run("mount -t tmpfs tmpfs /usr/lib/jvm").ok();
            assertNotEquals(0, root.run("java -version").exit());
            String without =
                    root.run("dpkg -i " + deb("tallystick-agent_.*_all\\.deb")).ok();
            assertTrue(without.contains("no archive of classes"), without);
            // From one to the other: the state is the same.
            String said = root.run("dpkg -i --auto-deconfigure -B " + deb("tallystick-agent-jre_.*\\.deb"))
                    .ok();
            assertFalse(said.contains("Errors"), said);
            assertEquals("root 644", root.run("stat -c '%U %a' " + ARCHIVE).ok());
            root.run(CONFIGURE).ok();
            root.run(START).ok();
            root.run("tallystick-agent meter --dimension requests --quantity 7").ok();
            assertEquals(1L, Kept.of(root).pendingSums());
            assertEquals("0", root.run(STOP).ok());
        }
    }

    @Test
    @NeedsTool({"root", "dpkg", "unshare", "ip", "systemd-analyze"})
    void theUnitsAreRightAndClosed() throws Exception {
        try (OwnRoot root = OwnRoot.open(dir, CHECKOUT)) {
            root.run("dpkg -i " + deb("tallystick-agent_.*_all\\.deb")).ok();
            String units = "tallystick-agent.service tallystick-agent-health.service tallystick-agent-health.timer";
            assertEquals(
                    "",
                    root.run("cd /usr/lib/systemd/system && systemd-analyze verify --man=no " + units)
                            .ok());
            assertEquals(
                    "",
                    root.run("mkdir -p /etc/systemd/system/vendor.service.d && cp"
                                    + " /usr/share/doc/tallystick-agent/your-program.service.conf"
                                    + " /etc/systemd/system/vendor.service.d/tallystick.conf && printf"
                                    + " '[Service]\\n"
                                    + "ExecStart=/bin/true\\n"
                                    + "' >/etc/systemd/system/vendor.service && systemd-analyze verify --man=no"
                                    + " vendor.service")
                            .ok());
            root.run("systemd-analyze security --offline=true --threshold=" + EXPOSURE_MAX
                            + " tallystick-agent.service")
                    .ok();
            assertEquals(
                    "multi-user.target.wants timers.target.wants",
                    root.run("cd /etc/systemd/system; find . -name 'tallystick*' -type l | cut -d/ -f2 | sort | xargs")
                            .ok(),
                    "enabled, though no systemd runs: images are built like that");
        }
    }
}
