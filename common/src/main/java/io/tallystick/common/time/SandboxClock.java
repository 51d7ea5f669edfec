package io.tallystick.common.time;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;

/**
 * A clock that a file moves ahead of the machine's: the file holds one ISO 8601 duration. All parts of a sandbox read
 * the same file, so they move together. Only the sandbox may use it; each process checks that itself before it takes
 * the setting.
 *
 * <p>The file is read each time (3 µs): whoever hears from a process that has seen a move must see it too. An agent that saw it
 * later than the aggregator added the move to an aggregator's time that had it in already, and measured an hour ahead.
 */
public final class SandboxClock extends Clock {
    private final Path file;
    private final InstantSource real;

    /**
     * A clock moved by this file; an absent file means no offset. The real time comes from {@code real}. Throws
     * {@link IllegalArgumentException} for a file that holds anything but a duration.
     */
    public SandboxClock(Path file, InstantSource real) {
        this.file = file;
        this.real = real;
        readOffset(file);
    }

    /** How far this clock is ahead of the machine's. */
    public Duration offset() {
        return readOffset(file);
    }

    @Override
    public Instant instant() {
        return real.instant().plus(offset());
    }

    @Override
    public ZoneId getZone() {
        return ZoneOffset.UTC;
    }

    /** Always answers a UTC clock: there are no other zones in the ledger. */
    @Override
    public Clock withZone(ZoneId zone) {
        return this;
    }

    /** The offset a file holds; zero if it is absent. Throws {@link IllegalArgumentException} for any other content. */
    public static Duration readOffset(Path file) {
        try {
            Duration offset = Duration.parse(
                    Files.readString(file, StandardCharsets.UTF_8).strip());
            if (offset.isNegative()) {
                throw new IllegalArgumentException(file + ": must not hold a negative duration");
            }
            return offset;
        } catch (NoSuchFileException e) {
            return Duration.ZERO;
        } catch (DateTimeParseException | CharacterCodingException e) {
            throw new IllegalArgumentException(file + ": must hold one duration such as PT1H", e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Moves every clock on this file by {@code by}, which must not be negative; answers the new offset. */
    public static Duration advance(Path file, Duration by) {
        if (by.isNegative()) {
            throw new IllegalArgumentException("the sandbox's clock only moves forward");
        }
        Duration offset = readOffset(file).plus(by);
        try {
            Path next = file.resolveSibling(file.getFileName() + ".next");
            Files.writeString(next, offset + "\n", StandardCharsets.UTF_8);
            Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return offset;
    }
}
