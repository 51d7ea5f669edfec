package io.tallystick.common.time;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SandboxClockTest {
    private static final Instant T0 = Instant.parse("2026-11-21T20:00:00Z");

    private final AtomicReference<Instant> real = new AtomicReference<>(T0);
    private final InstantSource source = () -> real.get();
    private Path file = Path.of("");

    @BeforeEach
    void file(@TempDir Path folder) {
        file = folder.resolve("clock");
    }

    private void pass(Duration time) {
        real.updateAndGet(t -> t.plus(time));
    }

    @Test
    void without_a_file_the_clock_is_the_machines() {
        SandboxClock clock = new SandboxClock(file, source);
        assertEquals(T0, clock.instant());
        assertEquals(Duration.ZERO, clock.offset());
        pass(Duration.ofSeconds(3));
        assertEquals(T0.plusSeconds(3), clock.instant());
    }

    @Test
    void advancing_moves_every_clock_on_the_file_and_adds_up() {
        SandboxClock one = new SandboxClock(file, source);
        SandboxClock other = new SandboxClock(file, source);
        assertEquals(Duration.ofHours(1), SandboxClock.advance(file, Duration.ofHours(1)));
        assertEquals(Duration.ofMinutes(90), SandboxClock.advance(file, Duration.ofMinutes(30)));
        pass(Duration.ofMillis(50));
        assertEquals(T0.plus(Duration.ofMinutes(90)).plusMillis(50), one.instant());
        assertEquals(one.instant(), other.instant());
        assertEquals(one.instant(), new SandboxClock(file, source).instant());
        assertFalse(Files.exists(file.resolveSibling("clock.next")));
    }

    @Test
    void a_move_is_seen_by_the_very_next_reading() {
        SandboxClock clock = new SandboxClock(file, source);
        assertEquals(T0, clock.instant());
        SandboxClock.advance(file, Duration.ofHours(1));
        assertEquals(Duration.ofHours(1), clock.offset());
        assertEquals(T0.plus(Duration.ofHours(1)), clock.instant());
    }

    @Test
    void the_clock_only_moves_forward() {
        SandboxClock.advance(file, Duration.ofHours(1));
        assertThrows(IllegalArgumentException.class, () -> SandboxClock.advance(file, Duration.ofNanos(-1)));
        assertEquals(Duration.ofHours(1), SandboxClock.readOffset(file));
        assertEquals(Duration.ofHours(1), SandboxClock.advance(file, Duration.ZERO));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "\n", "1h", "3600", "PT1H PT1H", "-PT1H", "PT-1H", "2026-11-21T20:00:00Z"})
    void a_file_with_anything_but_one_duration_is_refused_by_name(String content) throws IOException {
        Files.writeString(file, content);
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> SandboxClock.readOffset(file));
        assertEquals(0, String.valueOf(e.getMessage()).indexOf(file.toString()), e.getMessage());
        assertThrows(IllegalArgumentException.class, () -> new SandboxClock(file, source));
        assertThrows(IllegalArgumentException.class, () -> SandboxClock.advance(file, Duration.ofHours(1)));
        assertEquals(content, Files.readString(file));
    }

    @Test
    void a_file_that_is_no_text_is_refused() throws IOException {
        Files.write(file, new byte[] {(byte) 0xff, (byte) 0xfe, 0});
        assertThrows(IllegalArgumentException.class, () -> SandboxClock.readOffset(file));
    }

    @Test
    void there_is_no_other_zone_than_utc() {
        SandboxClock clock = new SandboxClock(file, source);
        assertEquals(ZoneOffset.UTC, clock.getZone());
        assertEquals(
                ZoneOffset.UTC, clock.withZone(ZoneId.of("America/St_Johns")).getZone());
    }
}
