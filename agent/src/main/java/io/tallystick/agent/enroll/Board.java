package io.tallystick.agent.enroll;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/** Where the main loop posts the standing and the local API reads it. Thread-safe. */
public final class Board {
    private static final int NOTES_MAX = 20;

    private Standing standing = Standing.UNKNOWN;
    private final Deque<Note> notes = new ArrayDeque<>();

    /** Something that went wrong, for status and the log. */
    public record Note(Instant at, String where, String what) {}

    public synchronized Standing standing() {
        return standing;
    }

    public synchronized void update(UnaryOperator<Standing> change) {
        standing = change.apply(standing);
        notifyAll();
    }

    /** Waits, in real time, until the standing fits or the wait is over; answers the standing either way. */
    public synchronized Standing await(Predicate<Standing> fits, Duration wait) throws InterruptedException {
        long end = System.nanoTime() + wait.toNanos();
        while (!fits.test(standing)) {
            long left = (end - System.nanoTime()) / 1_000_000;
            if (left <= 0) {
                break;
            }
            wait(left);
        }
        return standing;
    }

    /** Remembers a trouble; the same words again only move its time. Answers whether it is news, worth a log line. */
    public synchronized boolean note(Instant at, String where, String what) {
        boolean known = notes.removeIf(n -> n.where().equals(where) && n.what().equals(what));
        notes.addFirst(new Note(at, where, what));
        while (notes.size() > NOTES_MAX) {
            notes.removeLast();
        }
        return !known;
    }

    public synchronized List<Note> notes() {
        return List.copyOf(notes);
    }

    public void online(boolean online) {
        update(s -> new Standing(
                s.identity(),
                s.enrollment(),
                s.grants(),
                s.plan(),
                s.answered(),
                online,
                s.contest(),
                s.refusal(),
                s.codesDisagree(),
                s.retrySeconds()));
    }

    public void contest(Optional<Standing.Trouble> contest) {
        update(s -> new Standing(
                s.identity(),
                s.enrollment(),
                s.grants(),
                s.plan(),
                s.answered(),
                s.online(),
                contest,
                s.refusal(),
                s.codesDisagree(),
                s.retrySeconds()));
    }
}
