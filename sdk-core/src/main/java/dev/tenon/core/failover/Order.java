package dev.tenon.core.failover;

/**
 * What a member shall be. It follows from the record alone and carries the record's revision. A member keeps the highest revision
 * it accepted on disk and refuses any lower one, so that the late message of an earlier pass or of a former control plane does
 * nothing. Accepting an order again changes nothing.
 */
public sealed interface Order {
    /**
     * Be primary with this setting. A standby first has the setting in force in every process and is promoted then; a stopped
     * primary is started.
     */
    record Lead(Quorum setting) implements Order {}

    /** Be a standby that receives from this primary. A stopped primary starts as a standby. */
    record Follow(String primary) implements Order {}

    /** Be a standby that receives from nobody, and stay so over restarts. */
    record Detach() implements Order {}

    /**
     * Be stopped and stay so until another order.
     *
     * @param cleanly bring all there is to the connected standbys before
     */
    record Rest(boolean cleanly) implements Order {}

    /** Make the data anew from this primary, unless data made under this or a later order is there, then follow it. */
    record Remake(Rebuild rebuild, String primary) implements Order {}

    /** Returns what the record says a member shall be. */
    static Order of(FailoverRecord record, String member) {
        Rebuild rebuild = record.rebuilds().get(member);
        boolean primary = member.equals(record.primary());
        if (record.phase() instanceof Phase.Steady) {
            if (primary) {
                return new Lead(record.setting());
            }
            return rebuild == null ? new Follow(record.primary()) : new Remake(rebuild, record.primary());
        }
        if (record.phase() instanceof Phase.HandingOver) {
            return primary ? new Rest(true) : rebuild == null ? new Follow(record.primary()) : new Rest(false);
        }
        if (record.phase() instanceof Phase.Promoting promoting && member.equals(promoting.elected())) {
            return new Lead(record.setting());
        }
        return primary || rebuild != null ? new Rest(false) : new Detach();
    }
}
