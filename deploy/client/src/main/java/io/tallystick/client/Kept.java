package io.tallystick.client;

/**
 * Usage that is on the agent's disk.
 *
 * @param records how many
 * @param entitled false where the agent does not know yet whether this VM is entitled: sent once it is
 */
public record Kept(int records, boolean entitled) {}
