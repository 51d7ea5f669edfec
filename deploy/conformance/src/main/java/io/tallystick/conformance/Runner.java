package io.tallystick.conformance;

import io.tallystick.sandbox.Box;
import io.tallystick.sandbox.StepFailure;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;

/** Plays scenarios with one program in one sandbox, and compares the bill with what the agents took from it. */
final class Runner {
    private final Trial.Setup setup;
    private final Consumer<String> progress;
    /** By instance; from the start with what the sandbox had booked before, of programs that ran in it earlier. */
    private final Map<String, BigDecimal> taken;

    private Optional<Box.Vm> usual = Optional.empty();

    Runner(Box box, List<String> command, Duration within, Duration watch, Consumer<String> progress) {
        Path keys = box.logs().resolve("issuer-keys.json");
        try {
            Files.writeString(keys, box.keySet());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Map<String, String> env = new LinkedHashMap<>();
        env.put("TALLYSTICK_ISSUER", box.issuer());
        env.put("TALLYSTICK_ISSUER_KEYS", keys.toString());
        env.put("TALLYSTICK_PRODUCT", box.productCode());
        this.setup = new Trial.Setup(box, List.copyOf(command), env, within, watch);
        this.progress = progress;
        this.taken = new TreeMap<>(box.booked());
    }

    Report run(List<Scenario> scenarios) {
        List<Report.Result> results = new ArrayList<>();
        for (Scenario s : scenarios) {
            progress.accept(s.wire() + ": " + s.promise());
            List<String> findings = new ArrayList<>();
            play(s, findings);
            findings.forEach(f -> progress.accept("  " + f));
            results.add(new Report.Result(s.wire(), s.promise(), findings));
        }
        progress.accept("billed: closes the hour and pulls the bill");
        results.add(new Report.Result(
                "billed", "everything the agents took is billed once, or set aside with a reason", differences()));
        return new Report(setup.command(), results);
    }

    private void play(Scenario s, List<String> findings) {
        Box.Vm vm =
                switch (s) {
                    case DENIED_AT_START -> setup.box().launch(false);
                    case DENIED_WHILE_RUNNING -> setup.box().launch(true);
                    case CLONE -> setup.box().copy(usual());
                    default -> usual();
                };
        OnStage stage = new OnStage(vm, findings);
        try (Trial trial = stage.counted(vm)) {
            s.play(stage, trial);
        } catch (StepFailure e) {
            throw new StepFailure(s.wire() + ": " + e.expected(), e.got());
        }
    }

    private Box.Vm usual() {
        if (usual.isEmpty()) {
            usual = Optional.of(setup.box().launch(true));
            setup.box().awaitDecision(usual.get(), "allow");
        }
        return usual.get();
    }

    private void count(Box.Vm vm, Trial trial) {
        BigDecimal accepted = trial.tap.accepted();
        if (accepted.signum() != 0) {
            taken.merge(vm.instance(), accepted, BigDecimal::add);
        }
    }

    private List<String> differences() {
        Map<String, BigDecimal> booked = setup.box().accounted(taken);
        List<String> findings = new ArrayList<>();
        Map<String, BigDecimal> all = new TreeMap<>(booked);
        taken.forEach(all::putIfAbsent);
        for (String instance : all.keySet()) {
            BigDecimal mine = taken.getOrDefault(instance, BigDecimal.ZERO);
            BigDecimal bill = booked.getOrDefault(instance, BigDecimal.ZERO);
            if (mine.compareTo(bill) != 0) {
                findings.add(instance + ": " + mine.toPlainString() + " reported, " + bill.toPlainString()
                        + " billed or set aside");
            }
        }
        return findings;
    }

    private final class OnStage implements Scenario.Stage {
        private final Box.Vm vm;
        private final List<String> findings;

        OnStage(Box.Vm vm, List<String> findings) {
            this.vm = vm;
            this.findings = findings;
        }

        @Override
        public Box box() {
            return setup.box();
        }

        @Override
        public Box.Vm vm() {
            return vm;
        }

        @Override
        public Box.Vm usual() {
            return Runner.this.usual();
        }

        @Override
        public Trial trial(Box.Vm of, Trial first) {
            return counted(of);
        }

        /** Adds up when it has ended: until then the program goes on reporting. */
        private Trial counted(Box.Vm of) {
            return new Trial(setup, of, findings) {
                @Override
                public void close() {
                    super.close();
                    count(of, this);
                }
            };
        }
    }
}
