package io.tallystick.aggregator.entitlement;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.usage.ProtocolClient;
import io.tallystick.aggregator.usage.SimulatedRegion;
import io.tallystick.common.wire.EnrollRequest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Many keys show one document at the same moment. A full run is {@code -Dtallystick.race.rounds=10000}; see
 * docs/security.md.
 */
class EnrollmentRaceTest {
    private static final int AT_ONCE = 64;
    private static final int ROUNDS = Integer.getInteger("tallystick.race.rounds", 5);

    // An address is not limited here: all of them share it.
    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with(
            "trust.dir=" + SimulatedRegion.trustFolder(),
            "limits.requests-per-address=off",
            "limits.enrollments-per-address=off");

    @Test
    void ofSixtyFourKeysThatShowOneDocumentAtOnceExactlyOneIsEnrolled() throws Exception {
        ContestedVm shop = ContestedVm.of(RUNNING);
        ExecutorService pool = Executors.newFixedThreadPool(AT_ONCE);
        List<ProtocolClient> clients = new ArrayList<>();
        for (int i = 0; i < AT_ONCE; i++) {
            clients.add(SimulatedRegion.client(RUNNING, shop.vm()));
        }
        try {
            for (int round = 0; round < ROUNDS; round++) {
                ProtocolClient.Vm vm = SimulatedRegion.vm(
                        shop.vm().account(),
                        RUNNING.clock().instant(),
                        shop.vm().codes());
                CyclicBarrier start = new CyclicBarrier(AT_ONCE);
                EnrollRequest document = SimulatedRegion.client(RUNNING, vm).evidence();
                List<Callable<String>> enrollments = new ArrayList<>();
                for (ProtocolClient client : clients) {
                    enrollments.add(() -> {
                        start.await();
                        Http.Answer answer = client.tryEnroll(document);
                        return answer.status() == 200 ? "enrolled" : answer.get("code");
                    });
                }
                List<String> answers = new ArrayList<>();
                for (Future<String> answer : pool.invokeAll(enrollments)) {
                    answers.add(answer.get());
                }
                assertEquals(1, Collections.frequency(answers, "enrolled"), "round " + round + ": " + answers);
                assertEquals(
                        AT_ONCE - 1, Collections.frequency(answers, "contested"), "round " + round + ": " + answers);
            }
        } finally {
            pool.shutdownNow();
        }
    }
}
