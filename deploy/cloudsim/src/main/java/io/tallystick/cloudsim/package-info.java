/**
 * A simulated AWS and OUTSCALE for tests and the sandbox: virtual VMs with their metadata services, images, and a
 * throw-away authority that signs identity documents as AWS does.
 *
 * <p>Owns: what the marketplace reference documents of the instance metadata service and of signed identity documents,
 * VM and image life cycles, a control API over them. Does not own: verification of any document, the programs that run
 * in a VM (the caller runs them with their state in the VM's disk folder), time (a clock is injected).
 *
 * <p>Never part of a production deployment: its keys are trusted only where its certificates were put by hand.
 */
@NullMarked
package io.tallystick.cloudsim;

import org.jspecify.annotations.NullMarked;
