package io.tallystick.conformance;

import io.tallystick.common.json.Json;
import io.tallystick.sandbox.Box;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;

/** What can happen to a program on a VM, and what it must do then. */
enum Scenario {
    ENTITLED("asks with a nonce before it works, and meters with idempotency keys") {
        @Override
        void play(Stage stage, Trial trial) {
            trial.start();
            boolean met = trial.await(() -> trial.accepted() >= 2);
            trial.find(!met, "reported no usage " + trial.within());
            List<Wiretap.Exchange> seen = trial.tap.seen();
            trial.find(!seen.isEmpty() && seen.get(0).report(), "worked before it asked whether the VM is entitled");
            trial.find(trial.tap.asks().isEmpty(), "never asked whether the VM is entitled");
            trial.find(
                    trial.tap.asks().stream().anyMatch(a -> a.nonce().length() < NONCE_CHARS_MIN),
                    "asked without a nonce, or with a short one: a copied lease is not found out");
            trial.find(
                    trial.records().stream().anyMatch(r -> r.key().isEmpty()),
                    "reported without an idempotency key: a repeated report counts twice");
        }
    },
    COPIED_LEASE("does not work on an answer that was recorded elsewhere") {
        @Override
        void play(Stage stage, Trial trial) {
            List<String> recorded = new CopyOnWriteArrayList<>();
            try (Trial first = stage.trial(stage.usual(), trial)) {
                first.start();
                first.await(() -> first.tap.asks().stream()
                        .filter(Wiretap.Exchange::accepted)
                        .anyMatch(a -> {
                            recorded.add(a.answer());
                            return true;
                        }));
            }
            trial.tap.fault(r -> r.ask() && !recorded.isEmpty()
                    ? Optional.of(new Wiretap.Instead(200, recorded.get(0)))
                    : Optional.empty());
            trial.start();
            trial.find(!trial.await(() -> !trial.tap.asks().isEmpty()), "never asked whether the VM is entitled");
            trial.watch();
            trial.find(
                    !trial.tap.reports().isEmpty(),
                    "worked on a copied answer: the signature over the nonce was not verified");
            Set<String> nonces = new HashSet<>();
            trial.find(
                    trial.tap.asks().stream().map(Wiretap.Exchange::nonce).anyMatch(n -> !nonces.add(n)),
                    "used a nonce twice");
        }
    },
    DUPLICATE("sends a report again, under the same key, when no answer came") {
        @Override
        void play(Stage stage, Trial trial) {
            Set<String> lost = ConcurrentHashMap.newKeySet();
            trial.tap.fault(r -> {
                if (r.ask() || r.records().isEmpty() || !lost.isEmpty()) {
                    return Optional.empty();
                }
                lost.addAll(keys(r.records()));
                return Optional.of(Wiretap.Instead.LOSE_ANSWER);
            });
            trial.start();
            boolean again = trial.await(() -> !lost.isEmpty()
                    && trial.tap.reports().stream()
                            .filter(Wiretap.Exchange::accepted)
                            .anyMatch(r -> keys(r.records()).containsAll(lost)));
            trial.find(!again, "did not send a report again, under the same key, whose answer was lost");
        }
    },
    LATE("keeps what it could not report, and reports it hours later") {
        @Override
        void play(Stage stage, Trial trial) {
            Set<String> kept = new HashSet<>();
            trial.tap.fault(r -> {
                if (r.ask()) {
                    return Optional.empty();
                }
                synchronized (kept) {
                    kept.addAll(keys(r.records()));
                }
                return Optional.of(problem(503, "unavailable", "The agent is stopping.", Map.of()));
            });
            trial.start();
            trial.find(
                    !trial.await(() -> trial.tap.reports().size() >= 2), "reported no usage again " + trial.within());
            stage.box().advance(HOURS_LATE);
            trial.tap.passOn();
            Supplier<Set<String>> missing = () -> {
                Set<String> left;
                synchronized (kept) {
                    left = new HashSet<>(kept);
                }
                trial.tap.reports().stream()
                        .filter(Wiretap.Exchange::accepted)
                        .forEach(r -> left.removeAll(keys(r.records())));
                return left;
            };
            trial.find(
                    !trial.await(() -> trial.accepted() > 0 && missing.get().isEmpty()),
                    "lost usage that the agent could not take for a while");
        }
    },
    UNKNOWN_DIMENSION("goes on after a record that will never be taken") {
        @Override
        void play(Stage stage, Trial trial) {
            Set<String> wrong = ConcurrentHashMap.newKeySet();
            trial.tap.fault(r -> {
                if (r.ask() || r.records().isEmpty()) {
                    return Optional.empty();
                }
                if (wrong.isEmpty()) {
                    wrong.addAll(keys(r.records()));
                }
                return keys(r.records()).stream().anyMatch(wrong::contains)
                        ? Optional.of(problem(400, "unknown-dimension", "dimension: is not one of [others]", Map.of()))
                        : Optional.empty();
            });
            trial.start();
            trial.find(
                    !trial.await(() -> trial.accepted() > 0),
                    "stopped reporting after a record that will never be taken");
            trial.watch();
            long again = trial.tap.reports().stream()
                    .filter(r -> keys(r.records()).stream().anyMatch(wrong::contains))
                    .count();
            trial.find(again > REPEATS_MAX, "sent a record that will never be taken again and again");
        }
    },
    DENIED_AT_START("does no work where nobody subscribed, says why, and begins once they did") {
        @Override
        void play(Stage stage, Trial trial) {
            trial.start();
            denied(trial);
            stage.box().subscribe(stage.vm());
            trial.find(
                    !trial.awaitWithRestarts(() -> trial.accepted() > 0),
                    "did not begin " + trial.within() + " after the owner subscribed, restarted where it had ended");
        }
    },
    VERSION_RESTRICTED("does no work on a restricted version, and shows which to use") {
        @Override
        void play(Stage stage, Trial trial) {
            String sentence = "Version 1.0.0 is restricted for agreements made after 2026-01-01.";
            String remedy = "Start the VM from version 1.1.0.";
            String answer = Json.write(Json.object(
                    "state",
                    "DENIED",
                    "decision",
                    "deny",
                    "code",
                    "version-restricted",
                    "sentence",
                    sentence,
                    "remedy",
                    remedy,
                    "retryAfter",
                    30L));
            trial.tap.fault(r -> Optional.of(
                    r.ask()
                            ? new Wiretap.Instead(200, answer)
                            : problem(
                                    403,
                                    "version-restricted",
                                    sentence,
                                    Map.of("state", "DENIED", "reason", "version-restricted", "remedy", remedy))));
            trial.start();
            denied(trial);
        }
    },
    DENIED_WHILE_RUNNING("stops working when the agreement ends, says why, and asks again") {
        @Override
        void play(Stage stage, Trial trial) {
            trial.start();
            trial.find(!trial.await(() -> trial.accepted() > 0), "reported no usage " + trial.within());
            stage.box().unsubscribe(stage.vm());
            int asked = trial.tap.asks().size();
            int before = trial.tap.reports().size();
            boolean met = trial.await(() -> trial.tap.reports().stream().anyMatch(r -> r.status() == 403)
                    || trial.tap.asks().size() > asked);
            trial.find(!met, "neither reported nor asked " + trial.within() + " after the agreement ended");
            trial.find(
                    !trial.await(() -> trial.tap.asks().size() > asked),
                    "did not ask again " + trial.within() + " after a report was refused");
            trial.watch();
            Set<String> fresh = new HashSet<>();
            trial.tap.reports().stream()
                    .skip(before)
                    .filter(r -> r.status() == 403)
                    .forEach(r -> r.records().forEach(x -> fresh.add(x.key().orElse("") + x.content())));
            trial.find(fresh.size() > IN_FLIGHT_MAX, "went on working after it was denied");
            told(trial, trial.tap.asks().isEmpty() ? "" : last(trial.tap.asks()).answer());
        }
    },
    AGGREGATOR_AWAY("loses nothing while the marketplace is away for 30 h, and waits where nothing is known") {
        @Override
        void play(Stage stage, Trial trial) {
            trial.start();
            trial.find(!trial.await(() -> trial.accepted() > 0), "reported no usage " + trial.within());
            stage.box().takeAggregatorAway();
            try {
                stage.box().advance(AWAY);
                stage.box().awaitDecision(stage.vm(), "unknown");
                trial.watch();
                try (Trial second = stage.trial(stage.vm(), trial)) {
                    second.start();
                    second.find(
                            !second.await(() -> second.tap.arrived() > 0), "never asked whether the VM is entitled");
                    second.watch();
                    second.find(!second.tap.reports().isEmpty(), "began to work while nothing was known about the VM");
                    stage.box().bringAggregatorBack();
                    // However long the agent paused between its tries is nothing the program could help.
                    stage.box().awaitDecision(stage.vm(), "allow");
                    second.find(
                            !second.awaitWithRestarts(() -> second.accepted() > 0),
                            "did not begin " + second.within() + " after the marketplace was back");
                }
            } finally {
                stage.box().bringAggregatorBack();
            }
        }
    },
    CLONE("works on a VM made from an image of the first, as itself") {
        @Override
        void play(Stage stage, Trial trial) {
            trial.start();
            trial.find(!trial.await(() -> trial.accepted() >= 2), "reported no usage on a clone " + trial.within());
        }
    };

    private static final int NONCE_CHARS_MIN = 16;
    /** Sent, and sent once more by whoever did not understand; beyond that it is a loop. */
    private static final int REPEATS_MAX = 3;
    /** A unit of work under way, and the one before it. */
    private static final int IN_FLIGHT_MAX = 2;

    private static final Duration HOURS_LATE = Duration.ofHours(3);
    private static final Duration AWAY = Duration.ofHours(30);

    /** What a scenario may use beside its trial. */
    interface Stage {
        Box box();

        /** The VM of this scenario's trial. */
        Box.Vm vm();

        /** The VM of scenarios that need none of their own. */
        Box.Vm usual();

        /** Another start of the program, whose findings are those of the first. */
        Trial trial(Box.Vm vm, Trial first);
    }

    private final String promise;

    Scenario(String promise) {
        this.promise = promise;
    }

    abstract void play(Stage stage, Trial trial);

    /** What a program that passes does. */
    String promise() {
        return promise;
    }

    /** As it is written on the command line. */
    String wire() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    static Scenario of(String wire) {
        return Arrays.stream(values())
                .filter(s -> s.wire().equals(wire))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("is not one of "
                        + Arrays.stream(values()).map(Scenario::wire).toList()));
    }

    private static void denied(Trial trial) {
        trial.find(!trial.await(() -> !trial.tap.seen().isEmpty()), "never asked whether the VM is entitled");
        trial.watch();
        trial.find(!trial.tap.reports().isEmpty(), "worked although it was denied");
        told(trial, trial.tap.asks().isEmpty() ? "" : last(trial.tap.asks()).answer());
    }

    /** The owner must be told in words what to do: it is their remedy, not the vendor's. */
    private static void told(Trial trial, String answer) {
        if (answer.isEmpty()) {
            return;
        }
        Map<String, Object> m = Json.parseObject(answer.getBytes(java.nio.charset.StandardCharsets.UTF_8));
        for (String name : List.of("sentence", "remedy")) {
            Object words = m.get(name);
            trial.find(
                    words != null && !trial.output().contains(String.valueOf(words)),
                    "did not print the " + name + " of the refusal for the owner");
        }
    }

    private static Wiretap.Exchange last(List<Wiretap.Exchange> list) {
        return list.get(list.size() - 1);
    }

    private static Set<String> keys(List<Wiretap.Reported> records) {
        Set<String> keys = new HashSet<>();
        // Without a key nothing tells a record from the next one with the same content.
        records.forEach(r -> keys.add(r.key().orElseGet(() -> "no key " + System.identityHashCode(r))));
        return keys;
    }

    private static Wiretap.Instead problem(int status, String code, String detail, Map<String, String> more) {
        Map<String, Object> m = Json.object("status", (long) status, "code", code, "detail", detail);
        m.putAll(more);
        return new Wiretap.Instead(status, Json.write(m));
    }
}
