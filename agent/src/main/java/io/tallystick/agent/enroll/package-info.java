/**
 * Who this instance is entitled as: enrollment, leases, their verification, and the state that the local API answers
 * from. Does not send usage.
 */
@NullMarked
package io.tallystick.agent.enroll;

import org.jspecify.annotations.NullMarked;
