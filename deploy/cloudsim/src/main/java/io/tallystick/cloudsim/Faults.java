package io.tallystick.cloudsim;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The faults set on one VM, used up in order. Thread-safe. */
final class Faults {
    private final List<Fault> faults = new ArrayList<>();

    /** Replaces all; an empty list makes the service well again. */
    synchronized void set(List<Fault> wanted) {
        faults.clear();
        faults.addAll(wanted);
    }

    /** What is still to come. */
    synchronized List<Fault> left() {
        return List.copyOf(faults);
    }

    /** The first fault that hits this path, one use of it spent. */
    synchronized Optional<Fault> next(String path) {
        for (int i = 0; i < faults.size(); i++) {
            Fault fault = faults.get(i);
            if (path.startsWith(fault.pathPrefix())) {
                if (fault.times() == 1) {
                    faults.remove(i);
                } else if (fault.times() > 1) {
                    faults.set(i, fault.times(fault.times() - 1));
                }
                return Optional.of(fault);
            }
        }
        return Optional.empty();
    }
}
