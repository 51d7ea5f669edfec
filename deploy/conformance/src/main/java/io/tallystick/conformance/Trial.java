package io.tallystick.conformance;

import io.tallystick.sandbox.Box;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;

/** One start of the program beside one agent, and what is found out about it. */
class Trial implements AutoCloseable {
    private static final long PAUSE_MILLIS = 50;

    /** What every trial needs: whom to run, against what, and how patiently. */
    record Setup(Box box, List<String> command, Map<String, String> environment, Duration within, Duration watch) {}

    final Wiretap tap;
    private final Setup setup;
    private final List<String> findings;
    private Candidate program;

    /** Starts nothing yet, so that a scenario can set its fault first. */
    Trial(Setup setup, Box.Vm vm, List<String> findings) {
        this.setup = setup;
        this.findings = findings;
        this.tap = new Wiretap(vm.agent());
        this.program = new Candidate(List.of("true"), Map.of());
    }

    Trial start() {
        Map<String, String> env = new LinkedHashMap<>(setup.environment());
        env.put("TALLYSTICK_AGENT_URL", tap.url());
        env.put("AWS_ENDPOINT_URL_MARKETPLACE_METERING", tap.url());
        program.close();
        program = new Candidate(setup.command(), env);
        return this;
    }

    void find(boolean wrong, String finding) {
        if (wrong && !findings.contains(finding)) {
            findings.add(finding);
        }
    }

    boolean await(BooleanSupplier so) {
        long end = System.nanoTime() + setup.within().toNanos();
        while (!so.getAsBoolean()) {
            if (System.nanoTime() - end > 0) {
                return false;
            }
            sleep(PAUSE_MILLIS);
        }
        return true;
    }

    /** As {@link #await}, starting the program again whenever it ended, as a service manager does. */
    boolean awaitWithRestarts(BooleanSupplier so) {
        return await(() -> {
            if (so.getAsBoolean()) {
                return true;
            }
            if (!program.isAlive()) {
                start();
            }
            return false;
        });
    }

    /** Lets the program do what it does for a while. */
    void watch() {
        sleep(setup.watch().toMillis());
    }

    private static void sleep(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    String within() {
        return "within " + setup.within().toSeconds() + " s";
    }

    long accepted() {
        return tap.reports().stream().filter(Wiretap.Exchange::accepted).count();
    }

    List<Wiretap.Reported> records() {
        List<Wiretap.Reported> all = new ArrayList<>();
        tap.reports().forEach(r -> all.addAll(r.records()));
        return all;
    }

    String output() {
        return program.output();
    }

    @Override
    public void close() {
        program.close();
        tap.close();
    }
}
