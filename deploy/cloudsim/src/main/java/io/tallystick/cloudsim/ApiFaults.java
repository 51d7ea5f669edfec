package io.tallystick.cloudsim;

import com.sun.net.httpserver.HttpExchange;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The faults set on the clouds' APIs, used up in order. Thread-safe. */
final class ApiFaults {
    private final List<ApiFault> faults = new ArrayList<>();
    private final List<HttpExchange> held = new ArrayList<>();

    /** Replaces all, and ends what was held back; an empty list makes the APIs well again. */
    synchronized void set(List<ApiFault> wanted) {
        held.forEach(HttpExchange::close);
        held.clear();
        faults.clear();
        faults.addAll(wanted);
    }

    /** Whether a request whose effect is done gets no answer; if so, its exchange is dealt with here. */
    synchronized boolean swallows(Optional<ApiFault> fault, HttpExchange exchange) {
        Optional<ApiFault.Kind> kind = fault.map(ApiFault::kind);
        if (kind.filter(ApiFault.Kind.LOST::equals).isPresent()) {
            exchange.close();
            return true;
        }
        if (kind.filter(ApiFault.Kind.HELD::equals).isPresent()) {
            held.add(exchange);
            return true;
        }
        return false;
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
