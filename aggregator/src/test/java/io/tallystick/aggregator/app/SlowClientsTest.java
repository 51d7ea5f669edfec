package io.tallystick.aggregator.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Threat: clients that drip their requests keep others out. How fast the others are is the bench's to say. */
class SlowClientsTest {
    private static final int SLOW = 1000;
    private static final Duration GOOD_EVERY = Duration.ofMillis(20);
    private static final Duration DRIP_EVERY = Duration.ofMillis(200);
    private static final Duration WAIT_MAX = Duration.ofSeconds(60);

    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with();

    private static void write(Socket socket, String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    /** Whether the server closed it; an answer that came before that is read. */
    private static boolean isClosed(Socket socket) {
        try {
            socket.setSoTimeout(1);
            while (socket.getInputStream().read() >= 0) {
                // Nothing is expected to come.
            }
            return true;
        } catch (java.net.SocketTimeoutException open) {
            return false;
        } catch (IOException reset) {
            return true;
        }
    }

    @Test
    void aThousandDrippingHeadsKeepNobodyOutAndAreClosedByTheirDeadline() throws Exception {
        List<Socket> slow = new ArrayList<>();
        try {
            for (int i = 0; i < SLOW; i++) {
                Socket socket = new Socket(
                        InetAddress.getLoopbackAddress(), RUNNING.running().port());
                slow.add(socket);
                write(socket, "POST /v1/enrollments HTTP/1.1\r\nHost: x\r\nX: ");
            }
            List<Socket> open = new ArrayList<>(slow);
            long drip = System.nanoTime();
            int good = 0;
            for (long end = System.nanoTime() + WAIT_MAX.toNanos(); !open.isEmpty() && System.nanoTime() < end; ) {
                RUNNING.http().get("/v1/accounts", RUNNING.operator()).expect(200);
                good++;
                // As fast as it goes would be too many requests of one caller.
                LockSupport.parkNanos(GOOD_EVERY.toNanos());
                if (System.nanoTime() - drip > 0) {
                    drip += DRIP_EVERY.toNanos();
                    for (int i = 0; i < open.size(); i += 20) {
                        try {
                            write(open.get(i), "a");
                        } catch (IOException e) {
                            // Closed by now, as it should.
                        }
                    }
                    while (!open.isEmpty() && isClosed(open.get(0))) {
                        open.remove(0);
                    }
                }
            }
            assertEquals(0, open.size(), "slow clients still connected");
            assertTrue(good > 10, "good requests meanwhile: " + good);
        } finally {
            for (Socket socket : slow) {
                socket.close();
            }
        }
    }
}
