import io.tallystick.client.AgentClient;
import io.tallystick.client.AgentRefusedException;
import io.tallystick.client.AgentUnreachableException;
import io.tallystick.client.AnswerNotTrustedException;
import io.tallystick.client.Entitlement;
import io.tallystick.client.Issuer;
import io.tallystick.client.Usage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.UUID;

/**
 * A program sold as a machine image: it works only where it is entitled to, and reports each unit of work.
 *
 * <p>Exit codes: 0 done, 3 denied, 4 the agent's answer is not genuine, 5 no answer.
 *
 * <pre>java -cp tallystick-client.jar Example.java</pre>
 */
public final class Example {
    // Yours: write the first three into your program. What is read from the VM is chosen by the VM's owner.
    private final String product = System.getenv("TALLYSTICK_PRODUCT");
    private final String issuerUrl = System.getenv("TALLYSTICK_ISSUER");
    private final Path issuerKeys = Path.of(System.getenv("TALLYSTICK_ISSUER_KEYS"));
    private final long units = Long.parseLong(System.getenv().getOrDefault("EXAMPLE_UNITS", "0"));
    private final long pauseMillis = Long.parseLong(System.getenv().getOrDefault("EXAMPLE_PAUSE_MS", "10000"));
    private final Duration wait =
            Duration.ofSeconds(Long.parseLong(System.getenv().getOrDefault("EXAMPLE_WAIT", "60")));

    private final AgentClient agent;
    /** Reported, and not known to be kept. A real program bounds this, or keeps it on disk. */
    private final Deque<Usage> unsent = new ArrayDeque<>();

    private boolean allowed;
    /** By the clock that nobody can set: when to ask again, and how long the last lease is good for. */
    private long askAt;

    private long leaseEnds;

    private Example() throws Exception {
        // The agent's address and token file come from TALLYSTICK_AGENT_URL and TALLYSTICK_AGENT_TOKEN_FILE.
        agent = AgentClient.builder()
                .issuer(Issuer.pinnedThenOnline(issuerUrl, Files.readString(issuerKeys)))
                .product(product)
                .build();
    }

    public static void main(String[] args) throws Exception {
        System.exit(new Example().run());
    }

    private int run() throws InterruptedException {
        int refused = check(wait);
        if (!allowed) {
            return refused;
        }
        long done = 0;
        while (units == 0 || done < units || !unsent.isEmpty()) {
            if (System.nanoTime() - askAt >= 0) {
                check(Duration.ZERO);
            }
            if (allowed && (units == 0 || done < units)) {
                done++;
                say("working: unit " + done);
                // The key makes it safe to report the same again when no answer came.
                unsent.add(Usage.of("requests", 1).withKey(UUID.randomUUID().toString()));
            }
            report();
            Thread.sleep(pauseMillis);
        }
        say("done");
        return 0;
    }

    /** Asks the agent, with a nonce, and verifies the answer; sets what may be done until the next time. */
    private int check(Duration patience) {
        long now = System.nanoTime();
        try {
            Entitlement e = agent.check(patience);
            now = System.nanoTime();
            askAt = now + e.retryAfter().toNanos();
            allowed = e.allowed();
            e.lease()
                    .ifPresent(l -> leaseEnds = System.nanoTime()
                            + Duration.between(l.provedAt(), l.expiresAt()).toNanos());
            say(e.summary() + e.thumbprint().map(t -> " (key " + t + ")").orElse(""));
            e.lease().flatMap(l -> l.notice()).ifPresent(n -> say("notice: " + n));
            return e.decision() == Entitlement.Decision.DENY ? 3 : 5;
        } catch (AnswerNotTrustedException e) {
            allowed = false;
            askAt = now + Duration.ofSeconds(30).toNanos();
            say("not entitled: " + e.getMessage());
            return 4;
        } catch (AgentRefusedException | AgentUnreachableException e) {
            // The agent may just be restarting. What the last lease allowed stays allowed until it ends.
            allowed = allowed && System.nanoTime() - leaseEnds < 0;
            askAt = now + Duration.ofSeconds(5).toNanos();
            say(e.getMessage());
            return 5;
        }
    }

    private void report() {
        while (!unsent.isEmpty()) {
            try {
                agent.report(unsent.peek());
                unsent.remove();
            } catch (AgentUnreachableException e) {
                say("sent again later: " + e.getMessage());
                return;
            } catch (AgentRefusedException e) {
                switch (e.reason().action()) {
                    case RETRY -> say("sent again later: " + e.getMessage());
                    case TELL_OWNER -> {
                        // Denied while running, or the disk is full: show it, do no more work, ask soon.
                        say("stopped: " + e.getMessage()
                                + e.remedy().map(r -> " " + r).orElse(""));
                        allowed = false;
                        askAt = System.nanoTime();
                    }
                    case MEND_SETUP -> say("the installation must be mended: " + e.getMessage());
                    case MEND_CALL, NOT_SENT -> {
                        say("dropped, the program must be mended: " + e.getMessage());
                        unsent.remove();
                    }
                }
                return;
            }
        }
    }

    private static void say(String line) {
        System.out.println(line);
        System.out.flush();
    }
}
