package io.tallystick.packages;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.common.json.Json;
import io.tallystick.testkit.NeedsTool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The container files, played step by step in a root of their own instead of a container runtime, which the build does not
 * ask for: RUN, COPY, ENV, and then the entry point as USER, without privileges, on a root that nobody can write. What comes
 * from a registry, the base image and Debian's packages, is this machine's.
 */
class ContainerFilesTest {
    private static final Path CHECKOUT =
            Path.of(System.getProperty("tallystick.root")).toAbsolutePath();
    /** Stands in for the package manager: installs what was copied in, and finds the rest installed. */
    private static final String APT =
            """
            apt-get() { case "$*" in *.deb*) dpkg -i $(printf '%s\\n' "$@" | grep '\\.deb$') ;; esac; }
            """;

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    private record Step(String instruction, String rest) {}

    private static List<Step> steps(String name) throws IOException {
        List<Step> steps = new ArrayList<>();
        for (String line : Files.readAllLines(CHECKOUT.resolve("deploy/package/container/" + name))) {
            if (!line.isBlank() && !line.startsWith("#")) {
                String[] parts = line.split(" ", 2);
                steps.add(new Step(parts[0], parts[1]));
            }
        }
        return steps;
    }

    private static String last(List<Step> steps, String instruction) {
        return steps.stream()
                .filter(s -> s.instruction().equals(instruction))
                .map(Step::rest)
                .reduce((a, b) -> b)
                .orElseThrow(() -> new AssertionError("no " + instruction));
    }

    /** The words of an exec form, quoted for a shell. */
    private static String words(String json) {
        return ((List<?>) Json.parse(json)).stream().map(w -> "'" + w + "'").collect(Collectors.joining(" "));
    }

    private static void build(OwnRoot root, List<Step> steps) throws IOException {
        for (Step step : steps) {
            switch (step.instruction()) {
                case "RUN" -> root.run(APT + step.rest()).ok();
                case "COPY" -> {
                    String[] parts = step.rest().split(" ");
                    String to = parts[parts.length - 1];
                    String from = step.rest().substring(0, step.rest().length() - to.length());
                    boolean folder = Files.isDirectory(CHECKOUT.resolve(parts[0]));
                    root.run("cd " + OwnRoot.CHECKOUT + "; mkdir -p " + (to.endsWith("/") || folder ? to : "/")
                                    + "; cp -r " + (folder ? parts[0] + "/. " : from) + to)
                            .ok();
                }
                case "FROM", "USER", "VOLUME", "HEALTHCHECK", "EXPOSE", "ENV", "STOPSIGNAL", "ENTRYPOINT", "CMD" -> {}
                default -> throw new AssertionError("not played: " + step);
            }
        }
    }

    /** Runs as the container would: as USER, nothing gained, nothing written but volumes and what is given as tmpfs. */
    private static OwnRoot.Done play(OwnRoot root, List<Step> steps, String writable, String command)
            throws IOException {
        String[] user = last(steps, "USER").split(":");
        String env = steps.stream()
                .filter(s -> s.instruction().equals("ENV"))
                .map(s -> "export " + s.rest() + "; ")
                .collect(Collectors.joining());
        return root.run("cat >/tmp/play <<'END'\nmount -o remount,bind,ro /\n" + writable + "\n" + env
                + "exec setpriv --reuid " + user[0] + " --regid " + user[1]
                + " --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all bash -c \"$1\"\nEND\n"
                + "unshare --mount bash /tmp/play \""
                + command.replace("\\", "\\\\").replace("\"", "\\\"").replace("$", "\\$")
                + "\"");
    }

    private static void areNobodysRoot(List<Step> steps) {
        String[] user = last(steps, "USER").split(":");
        assertTrue(
                Integer.parseInt(user[0]) > 0 && Integer.parseInt(user[1]) > 0, "a number, so that it can be checked");
        assertTrue(last(steps, "ENTRYPOINT").startsWith("["), "no shell between, which would keep SIGTERM to itself");
    }

    @Test
    @NeedsTool({"root", "dpkg", "unshare", "setpriv", "ip", "jlink"})
    void theAgentRunsAsNobodyOnAReadOnlyRoot() throws Exception {
        List<Step> steps = steps("agent.Dockerfile");
        areNobodysRoot(steps);
        try (OwnRoot root = OwnRoot.open(dir, CHECKOUT)) {
            root.run("mount -t tmpfs tmpfs /usr/lib/jvm").ok();
            build(root, steps);
            root.run("echo 'aggregator.url = http://127.0.0.1:9' >>/etc/tallystick/agent.conf")
                    .ok();
            String volume = last(steps, "VOLUME");
            String[] user = last(steps, "USER").split(":");
            String mount = "mount -t tmpfs -o uid=" + user[0] + ",gid=" + user[1] + ",mode=700 tmpfs " + volume;
            String health = last(steps, "HEALTHCHECK");
            OwnRoot.Done done = play(
                    root,
                    steps,
                    mount,
                    "set -e; ! touch /usr/x 2>/dev/null; ! touch /tmp/x 2>/dev/null; "
                            + words(last(steps, "ENTRYPOINT"))
                            + " " + words(last(steps, "CMD")) + " & agent=$!; "
                            + words(health.substring(health.indexOf('['))) + " --wait 30; id -u; tallystick-agent"
                            + " meter --dimension requests --quantity"
                            + " 1; kill -TERM $agent; wait $agent; echo"
                            + " ended $?");
            String printed = done.ok();
            assertTrue(printed.contains("\n" + user[0] + "\n"), printed);
            assertTrue(printed.endsWith("ended 0"), printed);
        }
    }

    @Test
    @NeedsTool({"root", "unshare", "setpriv", "ip"})
    void theAggregatorRunsAsNobodyOnAReadOnlyRoot() throws Exception {
        List<Step> steps = steps("aggregator.Dockerfile");
        areNobodysRoot(steps);
        try (OwnRoot root = OwnRoot.open(dir, CHECKOUT)) {
            build(root, steps);
            String program = words(last(steps, "ENTRYPOINT"));
            String tmp = "mount -t tmpfs tmpfs /tmp";
            String printed = play(root, steps, tmp, "! touch /opt/x 2>/dev/null && " + program + " --help")
                    .ok();
            assertTrue(printed.contains("migrate"), printed);
            OwnRoot.Done refused = play(root, steps, tmp, program + " " + words(last(steps, "CMD")));
            assertNotEquals(0, refused.exit(), "it was given no settings");
            assertTrue(refused.output().contains("aggregator.conf"), refused.output());
            assertEquals(
                    "",
                    root.run("find /opt/tallystick-aggregator -newer /tmp/play").ok(),
                    "it wrote nothing");
        }
    }
}
