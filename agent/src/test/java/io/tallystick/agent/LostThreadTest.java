package io.tallystick.agent;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.agent.app.Agent;
import java.lang.reflect.Field;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Threat: a process that looks alive to its supervisor and answers nobody. */
class LostThreadTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path dir;

    @Test
    void anAgentWithoutItsApiEndsTheProcess() throws Exception {
        Queue<Throwable> fatal = new ConcurrentLinkedQueue<>();
        try (Rig rig = new Rig(dir);
                Agent agent = new Agent(
                        rig.config(rig.vm(Rig.CODE).metadata(), dir.resolve("state")),
                        rig.time,
                        rig.time,
                        new Random(1),
                        "test",
                        fatal::add)) {
            agent.start();
            assertTrue(fatal.isEmpty());
            // Closed under it, as no caller can.
            ((ServerSocketChannel) of(of(of(agent, "api"), "server"), "listening")).close();
            Rig.until("the end", () -> !fatal.isEmpty());
        }
    }

    private static Object of(Object owner, String field) throws ReflectiveOperationException {
        Field f = owner.getClass().getDeclaredField(field);
        f.setAccessible(true);
        return f.get(owner);
    }
}
