package io.tallystick.sandbox;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What must be so in the story; otherwise {@link StepFailure} says what was expected and what came. */
final class Expect {
    private Expect() {}

    static void equal(String what, @Nullable Object expected, @Nullable Object got) {
        if (!Objects.equals(expected, got)) {
            throw new StepFailure(what + " = " + expected, String.valueOf(got));
        }
    }

    static void that(boolean so, String expected, Object got) {
        if (!so) {
            throw new StepFailure(expected, got.toString());
        }
    }

    /** Asks until an answer satisfies; the last unsatisfying one is told when the patience (real time) ends. */
    static <T> T eventually(
            Duration patience, String expected, Supplier<T> ask, java.util.function.Predicate<T> satisfies) {
        Holder<T> last = new Holder<>();
        return Await.value(patience, () -> {
                    T answer = ask.get();
                    last.value = answer;
                    return satisfies.test(answer) ? Optional.of(answer) : Optional.empty();
                })
                .orElseThrow(() -> new StepFailure(
                        expected + ", within " + patience.toSeconds() + " s", String.valueOf(last.value)));
    }

    private static final class Holder<T> {
        @Nullable
        T value;
    }
}
