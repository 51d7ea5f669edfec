package io.tallystick.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PortsTest {
    private static final int BACKLOG = 1;
    private static final int MORE_THAN_A_BLOCK = 150;

    @Test
    void twoMarketplacesChooseNoPortTwiceThoughTheirProgramsDoNotListenYet() {
        Ports one = new Ports(0, new Random(7));
        Ports other = new Ports(0, new Random(7));
        Set<Integer> taken = new HashSet<>();
        for (int i = 0; i < MORE_THAN_A_BLOCK; i++) {
            assertTrue(taken.add(one.take("one")));
            assertTrue(taken.add(other.take("other")));
        }
    }

    @Test
    void portsFromAGivenOneAreThatOneAndTheFollowing() {
        int free = new Ports(0, new Random(8)).take("a free one");
        Ports ports = new Ports(free, new Random(8));
        assertEquals(free, ports.take("the aggregator"));
        assertEquals(free + 1, ports.take("the agent"));
    }

    @Test
    void aGivenPortThatIsTakenIsTroubleThatNamesItAndItsProgram() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, BACKLOG, InetAddress.getLoopbackAddress())) {
            Trouble trouble = assertThrows(
                    Trouble.class, () -> new Ports(taken.getLocalPort(), new Random(9)).take("the aggregator"));
            assertTrue(
                    trouble.getMessage().startsWith("port " + taken.getLocalPort() + " for the aggregator is taken"),
                    trouble.getMessage());
        }
    }
}
