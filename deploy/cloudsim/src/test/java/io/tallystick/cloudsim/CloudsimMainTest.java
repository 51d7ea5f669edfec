package io.tallystick.cloudsim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command line as a process of its own. */
class CloudsimMainTest {
    private static final int END_SECONDS_MAX = 30;

    private final Path dir;
    private final List<Process> started = new ArrayList<>();

    CloudsimMainTest(@TempDir Path dir) {
        this.dir = dir;
    }

    @AfterEach
    void stop() {
        started.forEach(Process::destroyForcibly);
    }

    private Process run(String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                CloudsimMain.class.getName()));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        started.add(process);
        return process;
    }

    /** Waits for the line with the address, which is printed when everything answers. */
    private CloudsimClient serve(Process process) throws IOException {
        String line = line(process);
        assertTrue(line.matches("cloudsim http://127\\.0\\.0\\.1:[0-9]+"), line);
        return CloudsimClient.ofFolder(dir.resolve("sim"));
    }

    private static String line(Process process) throws IOException {
        BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
        return String.valueOf(out.readLine());
    }

    private static int end(Process process) throws InterruptedException {
        assertTrue(process.waitFor(END_SECONDS_MAX, TimeUnit.SECONDS), "must end by itself");
        return process.exitValue();
    }

    @Test
    void servesKeepsItsStateOverAKillAndFollowsTheSandboxClock() throws Exception {
        String sim = dir.resolve("sim").toString();
        String trust = dir.resolve("trust").toString();
        Path clock = dir.resolve("clock");
        Files.writeString(clock, "P3650D\n");
        String[] arguments = {
            "serve",
            "--dir",
            sim,
            "--port",
            "0",
            "--trust-dir",
            trust,
            "--region",
            "eu-west-1",
            "--clock-file",
            clock.toString()
        };

        Process first = run(arguments);
        CloudsimClient client = serve(first);
        assertTrue(Files.exists(dir.resolve("trust/eu-west-1.pem")));
        VmInfo vm = client.launch(VmSpec.of("111122223333").region("eu-west-2"));
        assertTrue(Files.exists(dir.resolve("trust/eu-west-2.pem")));
        Instant ahead = vm.identity().pendingTime();
        assertTrue(ahead.isAfter(Instant.parse("2035-01-01T00:00:00Z")), ahead.toString());
        first.destroyForcibly();
        end(first);

        Process second = run(arguments);
        client = serve(second);
        assertEquals(List.of(vm), client.vms());
        assertEquals(
                vm.instanceId(),
                Web.get(vm.metadata(), "/latest/meta-data/instance-id").body());

        Process third = run("serve", "--dir", sim);
        String refused = line(third);
        assertTrue(refused.startsWith("cloudsim: conflict: dir: "), refused);
        assertEquals(1, end(third));

        second.destroy();
        end(second);
        assertFalse(Files.exists(dir.resolve("sim").resolve(CloudsimMain.ADDRESS_FILE)));
    }

    @Test
    void badOptionsAreRefusedAllAtOnce() throws Exception {
        Process process = run("serve", "--dir", dir.resolve("sim").toString(), "--port", "99999", "--region", "Mars");
        assertEquals("--port: must be from 0 to 65535, is 99999", line(process));
        assertEquals("--region: must be written like us-east-1, is Mars", line(process));
        assertEquals(2, end(process));
        assertFalse(Files.exists(dir.resolve("sim")));
    }
}
