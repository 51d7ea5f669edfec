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
    private @Nullable Marketplace market;
    private @Nullable Thread opener;
    private boolean closed;
    private volatile boolean signalled;

    Closing(RunFolder folder, PrintWriter out) {
        this.folder = folder;
        this.out = out;
        Runtime.getRuntime().addShutdownHook(new Thread(this::closeBySignal, "stop"));
    }

    /** Runs what opens the marketplace. A signal meanwhile interrupts it; everything is ended if it fails. */
    Marketplace open(Supplier<Marketplace> open) {
        synchronized (this) {
            opener = Thread.currentThread();
        }
        try {
            Marketplace opened = open.get();
            synchronized (this) {
                market = opened;
            }
            return opened;
        } catch (RuntimeException e) {
            endOpening();
            if (!signalled) {
                close();
            }
            throw e;
        } finally {
            endOpening();
        }
    }

    private synchronized void endOpening() {
        opener = null;
        notifyAll();
    }

    boolean isSignalled() {
        return signalled;
    }

    private void closeBySignal() {
        synchronized (this) {
            if (closed) {
                return;
            }
            signalled = true;
            out.println();
            out.println("stopping");
            out.flush();
            awaitOpener();
        }
        close();
    }

    /** Nobody may start anything while the leftovers are counted. */
    private synchronized void awaitOpener() {
        try {
            if (opener != null) {
                opener.interrupt();
            }
            while (opener != null) {
                wait();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Ends everything; the first call does it, others wait for it. */
    synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            if (market != null) {
                market.close();
            }
        } finally {
            // Whatever was started a moment before the end and is in no list yet.
            Leftovers.stop(folder);
            folder.close();
        }
    }
}
