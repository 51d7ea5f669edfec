package io.tallystick.cloudsim;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The openssl command line, for a second opinion that shares no code with what is tested. */
final class OpenSsl {
    private OpenSsl() {}

    /** True where there is no openssl; says so, or fails if the run requires the tool. */
    static boolean missing() {
        try {
            return run(List.of("version")) != 0;
        } catch (IOException e) {
            String required =
                    String.valueOf(System.getenv("TALLYSTICK_REQUIRE")).toLowerCase(Locale.ROOT);
            if (List.of(required.split(",")).contains("openssl")) {
                throw new AssertionError("openssl is required and missing", e);
            }
            System.out.println("NOT RUN: 1 tests (openssl)");
            return true;
        }
    }

    static int run(List<String> arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of("openssl"));
        command.addAll(arguments);
        try {
            return new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start()
                    .waitFor();
        } catch (InterruptedException e) {
            throw new IOException("interrupted", e);
        }
    }
}
