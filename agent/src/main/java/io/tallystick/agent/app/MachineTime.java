package io.tallystick.agent.app;

import io.tallystick.agent.clock.TimeSource;
import io.tallystick.common.time.SandboxClock;
import java.io.IOException;
import java.io.RandomAccessFile;
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
    private static final String UPTIME = "/proc/uptime";
    /** Two numbers of seconds with hundredths, of a machine that has been up for long. */
    private static final int UPTIME_BYTES_MAX = 64;

    private static final long MILLIS_PER_HUNDREDTH = 10;

    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

    private final Clock clock;
    private final Supplier<Duration> offset;
    private final String bootId;
    /** Kept open, and read from its start each time: each call of the local API asks for the time, some of them twice. */
    private final RandomAccessFile uptime;

    private final byte[] block = new byte[UPTIME_BYTES_MAX];

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
        try {
            this.uptime = new RandomAccessFile(UPTIME, "r");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
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
        return uptimeMillis() + offset.get().toMillis();
    }

    /** Reads {@code SECONDS.HUNDREDTHS}, and no further. */
    private long uptimeMillis() {
        synchronized (block) {
            try {
                uptime.seek(0);
                int length = uptime.read(block);
                long hundredths = 0;
                for (int i = 0; i < length && block[i] != ' '; i++) {
                    if (block[i] != '.') {
                        hundredths = hundredths * 10 + (block[i] - '0');
                    }
                }
                return hundredths * MILLIS_PER_HUNDREDTH;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    @Override
    public String bootId() {
        return bootId;
    }

    @Override
    public boolean leaps() {
        return clock instanceof SandboxClock;
    }

    private static String read(Path file) {
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
