package io.tallystick.cloudsim;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The faults set on the clouds' APIs, used up in order. Thread-safe. */
final class ApiFaults {
    private final List<ApiFault> faults = new ArrayList<>();

    /** Replaces all; an empty list makes the APIs well again. */
    synchronized void set(List<ApiFault> wanted) {
        faults.clear();
        faults.addAll(wanted);
    }

    /** What is still to come. */
    synchronized List<ApiFault> left() {
        return List.copyOf(faults);
    }

    /** The first fault that hits this request, one use of it spent. */
    synchronized Optional<ApiFault> next(Cloud cloud, String action) {
        for (int i = 0; i < faults.size(); i++) {
            ApiFault fault = faults.get(i);
            if (fault.hits(cloud, action)) {
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
