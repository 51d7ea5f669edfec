package io.tallystick.sandbox;

import java.io.PrintWriter;
import java.util.function.Consumer;
import java.util.function.Function;
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

    /**
     * Runs what opens the marketplace, which tells its progress to the terminal through what it is given. A signal
     * meanwhile interrupts it, at the latest where it tells progress; everything is ended if it fails.
     */
    Marketplace open(Function<Consumer<String>, Marketplace> open) {
        synchronized (this) {
            opener = Thread.currentThread();
        }
        try {
            Marketplace opened = open.apply(this::progress);
            synchronized (this) {
                market = opened;
            }
            return opened;
        } catch (RuntimeException e) {
            endOpening();
            if (signalled) {
                throw new Trouble("stopped before it was ready", e);
            }
            close();
            throw e;
        } finally {
            endOpening();
        }
    }

    private void progress(String text) {
        if (signalled) {
            // Libraries swallow interrupts.
            throw new Trouble("stopped before it was ready");
        }
        out.println(text);
        out.flush();
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
            folder.seal();
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
        folder.seal();
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
