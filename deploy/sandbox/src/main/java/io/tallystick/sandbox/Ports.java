package io.tallystick.sandbox;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * Chooses loopback ports. They are chosen before the programs start, because the aggregator's public URL must be known
 * to all and stay the same over restarts; so they lie below the range the system gives to outgoing connections, where
 * nothing takes one by accident while its program is down. A program listens seconds after its port was chosen, and
 * may be restarted: so that two marketplaces on one machine do not choose the same, each takes them from blocks of its
 * own. Listening on a block's first port is what holds it, as long as this object is used.
 */
public final class Ports {
    private static final int AUTO_MIN = 15_000;
    private static final int AUTO_MAX = 32_000;
    private static final int BLOCK = 100;
    private static final int TRIES = 200;
    private static final int PORT_MAX = 65_535;

    private final int base;
    private final RandomGenerator random;
    private final List<ServerSocket> held = new ArrayList<>();
    private int next;
    private int end;

    /** From {@code base} upwards, or anywhere if it is 0. */
    public Ports(int base, RandomGenerator random) {
        this.base = base;
        this.random = random;
        this.next = base;
        this.end = base;
    }

    /** A port that is free now. */
    public int take(String what) {
        if (base != 0) {
            int port = next++;
            if (port > PORT_MAX || !isFree(port)) {
                throw new Trouble("port " + port + " for " + what
                        + " is taken; use --ports auto, or --ports with another first port");
            }
            return port;
        }
        while (true) {
            if (next == end) {
                holdBlock();
            }
            int port = next++;
            if (isFree(port)) {
                return port;
            }
        }
    }

    private void holdBlock() {
        for (int i = 0; i < TRIES; i++) {
            int first = AUTO_MIN + BLOCK * random.nextInt((AUTO_MAX - AUTO_MIN) / BLOCK);
            try {
                held.add(listen(first));
                next = first + 1;
                end = first + BLOCK;
                return;
            } catch (IOException e) {
                // Somebody else's: another block, then.
            }
        }
        throw new Trouble("no " + BLOCK + " free ports from " + AUTO_MIN + " to " + AUTO_MAX);
    }

    static boolean isFree(int port) {
        try (ServerSocket socket = listen(port)) {
            return socket.isBound();
        } catch (IOException e) {
            return false;
        }
    }

    private static ServerSocket listen(int port) throws IOException {
        ServerSocket socket = new ServerSocket();
        try {
            // As the programs' own servers do: a port is not taken because of closed connections that linger.
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
            return socket;
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }
}
