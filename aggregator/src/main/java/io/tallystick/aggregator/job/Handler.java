package io.tallystick.aggregator.job;

import io.vertx.core.Future;
import java.time.Duration;

/** What does the jobs of one kind. May be interrupted anywhere and must then be able to do the same job again. */
public interface Handler {
    String kind();

    /**
     * Does the job as far as it can. A failed future means "try again later", with back-off; after {@link
     * Backoff#ATTEMPTS_MAX} attempts without progress {@link #poisoned} is called.
     */
    Future<Outcome> run(Job job);

    /** The job has failed too often and is given up. Runs before the row says so, and again if that fails. */
    Future<Void> poisoned(Job job, String lastError);

    /** How far a run got. */
    sealed interface Outcome {
        /** Nothing is left to do. */
        Outcome DONE = new Done();

        /** Nothing went wrong, but something must be waited for; less long if the job is asked for again meanwhile. */
        static Outcome later(Duration pause) {
            return new Later(pause);
        }

        record Done() implements Outcome {}

        record Later(Duration pause) implements Outcome {}
    }
}
