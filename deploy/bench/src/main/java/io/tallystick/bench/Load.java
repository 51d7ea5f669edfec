package io.tallystick.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * Signed batches of a fleet over keep-alive connections, as fast as they are answered. They are signed before the timed
 * part: an agent signs on a machine of its own. Not thread-safe.
 */
final class Load implements AutoCloseable {
    private static final int WARM_UP_BATCHES = 40;
    private static final int CALIBRATION_BATCHES = 60;
    /** More than a round needs, so that it ends by time and not for want of batches. */
    private static final double HEADROOM = 1.5;

    private final Service service;
    private final List<Sender> senders;
    private final List<String> dimensions;
    private final int records;
    private final int connections;
    private final ExecutorService threads;
    private List<List<byte[]>> work = new ArrayList<>();
    private double batchesPerSecond;
    private long sent;

    /** What was sent, and how long it took. */
    record Played(long batches, double seconds) {
        double batchesPerSecond() {
            return batches / seconds;
        }
    }

    Load(Service service, List<Sender> senders, List<String> dimensions, int records, int connections) {
        this.service = service;
        this.senders = senders;
        this.dimensions = dimensions;
        this.records = records;
        this.connections = connections;
        this.threads = Executors.newFixedThreadPool(connections);
    }

    /** Has the service compile itself, and learns how many batches a round needs. */
    void warmUp() throws InterruptedException, ExecutionException {
        sign(WARM_UP_BATCHES * 1L * senders.size());
        play(Long.MAX_VALUE);
        sign(CALIBRATION_BATCHES * 1L * senders.size());
        batchesPerSecond = play(Long.MAX_VALUE).batchesPerSecond();
    }

    /** Signs what a round of so many seconds will not get to the end of. */
    void sign(int seconds) {
        sign((long) Math.ceil(batchesPerSecond * seconds * HEADROOM));
    }

    /** For each connection its batches in order, VM by VM in turns; a VM belongs to one connection. */
    private void sign(long batches) {
        work = new ArrayList<>();
        for (int c = 0; c < connections; c++) {
            work.add(new ArrayList<>());
        }
        for (long n = 0; n < batches; n += senders.size()) {
            for (int s = 0; s < senders.size(); s++) {
                work.get(s % connections).add(senders.get(s).nextRequest(dimensions, records));
            }
        }
    }

    /** Sends what is signed, for so many seconds. */
    Played play(int seconds) throws InterruptedException, ExecutionException {
        return play(TimeUnit.SECONDS.toNanos(seconds));
    }

    /** What was signed and not sent in time goes now, untimed, so that the numbers go on without a gap. */
    void sendRest() throws InterruptedException, ExecutionException {
        play(Long.MAX_VALUE);
    }

    private Played play(long nanosMax) throws InterruptedException, ExecutionException {
        long start = System.nanoTime();
        List<Future<Integer>> running = new ArrayList<>();
        for (List<byte[]> requests : work) {
            running.add(threads.submit(() -> send(requests, start, nanosMax)));
        }
        long batches = 0;
        for (int c = 0; c < work.size(); c++) {
            int done = running.get(c).get();
            batches += done;
            work.set(c, work.get(c).subList(done, work.get(c).size()));
        }
        sent += batches;
        return new Played(batches, (System.nanoTime() - start) / 1e9);
    }

    private int send(List<byte[]> requests, long start, long nanosMax) throws IOException {
        if (requests.isEmpty()) {
            return 0;
        }
        try (Connection connection = new Connection(service.port())) {
            int done = 0;
            while (done < requests.size() && System.nanoTime() - start < nanosMax) {
                connection.exchange(requests.get(done));
                done++;
            }
            return done;
        }
    }

    /** Batches acknowledged since the start. */
    long sent() {
        return sent;
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }
}
