/**
 * Certifies a vendor's integration: runs the vendor's program in VMs of a sandbox, stands between it and the agent, makes
 * what goes wrong go wrong, and reports what the program did about it. Does not judge what cannot be seen on that wire.
 */
@NullMarked
package io.tallystick.conformance;

import org.jspecify.annotations.NullMarked;
