package io.tallystick.agent.app;

import io.tallystick.agent.clock.TimeSource;
import io.tallystick.common.time.SandboxClock;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * The clocks of a Linux machine. {@code /proc/uptime} counts CLOCK_BOOTTIME, which the JDK does not offer; its hundredths
 * of a second are fine enough. In the sandbox both clocks move by the sandbox's offset.
 */
final class MachineTime implements TimeSource {
    private static final Path UPTIME = Path.of("/proc/uptime");
    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

    private final Clock clock;
    private final Supplier<Duration> offset;
    private final String bootId;

    MachineTime(Optional<Path> sandboxFile) {
        Clock real = Clock.systemUTC();
        if (sandboxFile.isPresent()) {
            SandboxClock moved = new SandboxClock(sandboxFile.get(), real);
            this.clock = moved;
            this.offset = moved::offset;
        } else {
            this.clock = real;
            this.offset = () -> Duration.ZERO;
        }
        this.bootId = read(BOOT_ID);
    }

    Clock clock() {
        return clock;
    }

    @Override
    public Instant wall() {
        return clock.instant();
    }

    @Override
    public long bootMillis() {
        String text = read(UPTIME);
        String seconds = text.substring(0, text.indexOf(' '));
        int dot = seconds.indexOf('.');
        long millis = Long.parseLong(seconds.substring(0, dot)) * 1000
                + Long.parseLong((seconds.substring(dot + 1) + "000").substring(0, 3));
        return millis + offset.get().toMillis();
    }

    @Override
    public String bootId() {
        return bootId;
    }

    private static String read(Path file) {
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
