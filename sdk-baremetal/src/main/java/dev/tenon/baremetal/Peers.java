package dev.tenon.baremetal;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import dev.tenon.spi.workload.MemberRef;

/** How a member finds the others of its instance, itself included. */
interface Peers {
    /** For programs that serve no member. */
    Peers NONE = new Peers() {
        @Override
        public String address(String member) {
            throw Failures.of(ErrorCode.PROVIDER_FAILED, "what is no member's has no peers; it asked for " + member);
        }

        @Override
        public int port(String member, String port) {
            throw Failures.of(ErrorCode.PROVIDER_FAILED, "what is no member's has no peers; it asked for " + member);
        }
    };

    /** Returns the address at which the others reach it. */
    String address(String member);

    /** Returns the number of one of its ports. */
    int port(String member, String port);

    /** Returns where its connections come from. */
    default String source(String member) {
        return block(address(member));
    }

    /** Returns the failure of who needs what is not known before the other one is prepared. */
    static ProviderException unprepared(MemberRef asking, String member, String what) {
        return Failures.of(
                ErrorCode.PROVIDER_FAILED,
                asking + " needs the " + what + " of " + member + ", which is not prepared yet");
    }

    /** Returns an address as a block of one; a name stays as it is. */
    static String block(String address) {
        return address.indexOf(':') >= 0 ? address + "/128" : address.matches("[0-9.]+") ? address + "/32" : address;
    }
}
