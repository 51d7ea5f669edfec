package io.tallystick.sandbox;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.random.RandomGenerator;

/**
 * Chooses loopback ports. They are chosen before the programs start, because the aggregator's public URL must be known
 * to all and stay the same over restarts; so they lie below the range the system gives to outgoing connections, where
 * nothing takes one by accident while its program is down.
 */
public final class Ports {
    private static final int AUTO_MIN = 15_000;
    private static final int AUTO_MAX = 32_000;
    private static final int TRIES = 200;
    private static final int PORT_MAX = 65_535;

    private final int base;
    private final RandomGenerator random;
    private int next;

    /** From {@code base} upwards, or anywhere if it is 0. */
    public Ports(int base, RandomGenerator random) {
        this.base = base;
        this.random = random;
        this.next = base;
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
        for (int i = 0; i < TRIES; i++) {
            int port = random.nextInt(AUTO_MIN, AUTO_MAX);
            if (isFree(port)) {
                return port;
            }
        }
        throw new Trouble("no free port from " + AUTO_MIN + " to " + AUTO_MAX);
    }

    static boolean isFree(int port) {
        try (ServerSocket socket = new ServerSocket()) {
            // As the programs' own servers do: a port is not taken because of closed connections that linger.
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
            return true;
        } catch (IOException e) {
            return false;
        }
    }
}
