package io.tallystick.sandbox;

import java.io.PrintWriter;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Ends a sandbox once, however its end comes: at the end of the story, by an error, or by a signal (Ctrl-C, SIGTERM),
 * also while parts are still starting. After a signal the virtual machine waits for this.
 */
final class Closing {
    private final RunFolder folder;
    private final PrintWriter out;
    private final Thread hook = new Thread(this::closeBySignal, "stop");
    private @Nullable Marketplace market;
    private boolean closing;
    private volatile boolean signalled;

    Closing(RunFolder folder, PrintWriter out) {
        this.folder = folder;
        this.out = out;
        Runtime.getRuntime().addShutdownHook(hook);
    }

    /** Runs what opens the marketplace; if that fails, what it left is ended with the next {@link #close}. */
    Marketplace guard(Supplier<Marketplace> open) {
        try {
            return open.get();
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    synchronized void opened(Marketplace opened) {
        market = opened;
    }

    boolean isClosing() {
        return signalled;
    }

    private void closeBySignal() {
        signalled = true;
        out.println();
        out.println("stopping");
        out.flush();
        close();
    }

    /** Ends everything; the first call does it, others wait for it. */
    synchronized void close() {
        if (closing) {
            return;
        }
        closing = true;
        if (market != null) {
            market.close();
        }
        // Whatever was started a moment before the signal and is in no list yet.
        Leftovers.stop(folder);
        folder.close();
    }
}
