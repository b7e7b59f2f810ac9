package dev.tenon.spi.workload;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.InstanceId;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.TenantId;
import java.util.regex.Pattern;

/**
 * Names one member of one instance. External names (directories, pods, units) derive from it, so that a create repeated finds
 * what it made.
 *
 * @param tenant the owner
 * @param instance the instance
 * @param member the member within the instance, such as {@code m-1} or {@code monitor}: 1 to 16 characters of
 *     {@code a-z0-9-}
 */
public record MemberRef(TenantId tenant, InstanceId instance, String member) {
    private static final Pattern MEMBER = Pattern.compile("[a-z][a-z0-9-]{0,15}");

    /** Checks the member's name. */
    public MemberRef {
        if (!MEMBER.matcher(member).matches()) {
            throw new InvalidSpecException(
                    ErrorCode.NAME_INVALID, "member", "expected a letter and up to 15 characters of a-z0-9-");
        }
    }

    /** Returns the name outside: instance and member, at most 39 characters, a DNS-1123 label. */
    public String externalName() {
        return instance.value() + "-" + member;
    }

    @Override
    public String toString() {
        return instance.value() + "/" + member;
    }
}
