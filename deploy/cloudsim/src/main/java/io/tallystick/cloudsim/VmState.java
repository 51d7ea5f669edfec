package io.tallystick.cloudsim;

import java.util.Arrays;
import java.util.Locale;

/** Where a VM is in its life. Only a running VM has a reachable metadata service. */
public enum VmState {
    /** Being started; never seen at rest. */
    PENDING,
    RUNNING,
    STOPPED,
    /** For ever; the disk is gone, the VM stays listed. */
    TERMINATED;

    /** As it is written in JSON, for example {@code running}. */
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    static VmState ofWire(String wire) {
        return Arrays.stream(values())
                .filter(s -> s.wire().equals(wire))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("must be pending, running, stopped or terminated"));
    }
}
