package io.tallystick.packages;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * A copy of this machine's root to install into: the real files and package database below, all changes in memory above,
 * and gone when it is closed, with every process in it. Its network has a loopback and nothing else; no systemd runs.
 * Needs root.
 */
final class OwnRoot implements AutoCloseable {
    /** Where the checkout is seen in it. */
    static final String CHECKOUT = "/mnt/checkout";

    private static final String END = "=== end of the step: ";
    private static final String SETUP =
            """
            set -e
            mount -t tmpfs tmpfs "$1"
            mkdir "$1/upper" "$1/work" "$1/root"
            mount -t overlay overlay -o lowerdir=/,upperdir="$1/upper",workdir="$1/work" "$1/root"
            mount -t proc proc "$1/root/proc"
            mount --bind /dev "$1/root/dev"
            mount -t tmpfs tmpfs "$1/root/run"
            mkdir -p "$1/root%s"
            mount --bind "$2" "$1/root%s"
            ip link set lo up
            exec chroot "$1/root" /bin/bash --norc
            """
                    .formatted(CHECKOUT, CHECKOUT);

    private final Process shell;
    private final Writer in;
    private final BufferedReader out;

    /** What a step printed, and how it ended. */
    record Done(int exit, String output) {
        /** The output of a step that has to succeed. */
        String ok() {
            assertEquals(0, exit, output);
            return output;
        }
    }

    private OwnRoot(Process shell) {
        this.shell = shell;
        this.in = shell.outputWriter(StandardCharsets.UTF_8);
        this.out = new BufferedReader(new InputStreamReader(shell.getInputStream(), StandardCharsets.UTF_8));
    }

    /**
     * Makes one.
     *
     * @param empty a folder to mount it on
     * @param checkout seen at {@link #CHECKOUT}
     */
    static OwnRoot open(Path empty, Path checkout) throws IOException {
        Process shell = new ProcessBuilder(
                        "unshare",
                        "--mount",
                        "--net",
                        "--pid",
                        "--fork",
                        "--kill-child",
                        "--mount-proc",
                        "bash",
                        "-c",
                        SETUP,
                        "own-root",
                        empty.toString(),
                        checkout.toString())
                .redirectErrorStream(true)
                .start();
        OwnRoot root = new OwnRoot(shell);
        root.run("export DEBIAN_FRONTEND=noninteractive").ok();
        return root;
    }

    /** Runs the lines of a script. What it leaves running must have its output redirected. */
    Done run(String script) throws IOException {
        in.write("(\nset -e\n" + script + "\n) </dev/null 2>&1\nprintf '\\n%s%s\\n' '" + END + "' \"$?\"\n");
        in.flush();
        StringBuilder printed = new StringBuilder();
        for (String line = out.readLine(); line != null; line = out.readLine()) {
            if (line.startsWith(END)) {
                return new Done(
                        Integer.parseInt(line.substring(END.length())),
                        printed.toString().strip());
            }
            printed.append(line).append('\n');
        }
        throw new IOException("the shell ended: " + printed);
    }

    @Override
    public void close() throws IOException {
        in.close();
        try {
            // Process 1 of the root ends, and all others with it.
            if (!shell.waitFor(10, TimeUnit.SECONDS)) {
                shell.destroyForcibly();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
