package dev.tenon.api;

import java.util.List;
import java.util.Optional;

/**
 * Why something is as it is, for programs and other languages as well as for people.
 *
 * @param code what kind of reason
 * @param values what it names, in the order that the code says
 * @param because what is behind it, if that is known
 * @param text the whole of it in English
 */
public record Reason(Code code, List<String> values, Optional<Reason> because, String text) {
    /** Kinds of reasons. The names are API: added, never renamed. */
    public enum Code {
        /** In the words of an engine, a place or a person. Values: the words. */
        SAID("{0}"),
        /** Something failed. Values: the {@link ErrorCode}, the message. */
        ERROR("{1}"),

        /** It was not delivered yet. */
        NOT_DELIVERED("not delivered yet"),
        /** Somebody stopped it. */
        STOPPED_AS_ASKED("stopped as asked"),
        /** Somebody froze it. */
        FROZEN_AS_ASKED("frozen as asked"),
        /** It is in the recycle bin. */
        RECYCLED("in the recycle bin"),
        /** It was removed for good. */
        PURGED("purged"),
        /** Its removal was begun and given up: data may be gone. */
        PURGE_GIVEN_UP("its purge was begun and gave up, so that data may be gone: purge it again"),

        /** A member is not as it shall be. Values: the member, its state. */
        MEMBER_STATE("{0} is {1}"),
        /** A member takes too long to start. Values: the member, seconds. */
        MEMBER_STARTS_LONG("{0} has been STARTING for more than {1} s"),
        /** A member runs but does not answer. Values: the member, since when. */
        MEMBER_SILENT("{0} runs but does not answer since {1}"),
        /** A standby does not follow. Values: the member. */
        MEMBER_NOT_FOLLOWING("{0} does not follow the primary"),
        /** The primary is none. Values: the member. */
        MEMBER_TAKES_NO_WRITES("{0} takes no writes"),
        /** The primary is being changed. */
        PRIMARY_CHANGES("the primary is being changed"),
        /** Too few standbys answer to be sure that a fail-over loses nothing: a person may force it. */
        STANDBYS_TOO_FEW("too few standbys answer to be sure that nothing is lost"),
        /** A fail-over is due and held back: there was one lately, or much of the fleet looks dead. */
        FAILOVER_HELD_BACK("a fail-over is due and held back"),
        /** The primary has leave to run alone: what it acknowledges is lost if it is lost. */
        RUNS_ALONE("the primary has leave to run alone"),
        /** A fail-over may lose more than was agreed to. */
        LOSS_TOO_GREAT("a fail-over may lose more than was agreed to"),
        /** Commits wait for standbys. */
        WRITES_WAIT("writes wait for standbys"),
        /** A switch-over waits until its standby follows closely. */
        SWITCHOVER_WAITS("a switch-over waits for its standby"),
        /** The elected standby does not answer, and nobody else can be elected. */
        ELECTED_SILENT("the elected standby does not answer"),
        /** The primary is known to be dead. Values: the member. */
        PRIMARY_DEAD("its place says that {0} does not run"),
        /** The primary is silent for us and for its standbys. Values: the member, for how many milliseconds. */
        PRIMARY_SILENT("no write got through {0} for {1} ms, and its standbys have lost it"),
        /** The primary was lost in the middle of a switch-over. Values: the member. */
        PRIMARY_LOST_IN_SWITCHOVER("{0} was lost during the switch-over"),
        /** A person forces a promotion. Values: the member. */
        PROMOTION_FORCED("a person forces the promotion of {0}"),
        /** The old primary answers again before another could be made sure of. Values: the member. */
        PRIMARY_BACK("{0} answers again before another could lead"),
        /** A switch-over did not get done in its time. */
        SWITCHOVER_LATE("the switch-over took too long"),
        /** What a promotion may lose. Values: bytes of log that are known to be lacking. */
        MAY_LOSE("{0} bytes of log are known to be lost, and whatever was written unseen"),
        /** What a promotion does not lose. Values: a moment. */
        SAFE_UNTIL("nothing acknowledged before {0} is lost"),
        /** A member cannot be seen, which is not the same as down. */
        MEMBER_UNSEEN("a member cannot be seen"),
        /**
         * The host of a standby does not answer, and it does not follow. Values: the member, since when, until when is waited before a new
         * one is made elsewhere.
         */
        MEMBER_AWAY(
                "the host of {0} does not answer since {1}; a new standby is made elsewhere if that lasts until {2}"),
        /** A standby is lost with its host, and a new one is made elsewhere. Values: the member. */
        MEMBER_LOST("{0} is lost with its host; a new standby is made elsewhere"),
        /** The only copy of an instance is on a host that does not answer. Values: the member. */
        ONLY_COPY_AWAY(
                "the host of {0}, the only copy, does not answer; it is back with its host, and nothing can be made of nothing"),
        /** The only copy of an instance is on a host that is lost for good. Values: the member. */
        ONLY_COPY_LOST("{0}, the only copy, is lost with its host; nothing can be made of nothing"),
        /** A member runs although nothing of the instance shall. */
        MEMBER_RUNS_UNASKED("a member runs although it shall not"),
        /** The server's certificate runs out before long. */
        CERTIFICATE_DUE("its certificate is replaced before it runs out"),
        /** A change was given up half way. */
        CHANGE_GIVEN_UP("a change was given up half way; its settings are put back"),
        /** It was healed often of late, so that the next time is put off. Values: how often. */
        HEALED_LATELY("healed {0} times lately"),

        /** The health changed. Values: its name. */
        HEALTH("health is {0}"),
        /** The control plane begins to heal it. */
        HEALS("heals it"),
        /** The control plane waits before it does something. */
        WAITS("waits"),
        /** The control plane cannot work on it now. */
        CANNOT_WORK("cannot work on it now"),
        /** Another control plane goes on. */
        LEASE_LOST("lost the lease; another control plane goes on"),
        /** The control plane cannot reach its own store. */
        STORE_SILENT("the store does not answer; waits"),

        /** An operation succeeded. Values: the {@link OperationKind}. */
        OPERATION_DONE("{0} done"),
        /** An operation is cancelled. Values: the kind. */
        OPERATION_CANCELLED("{0} is cancelled"),
        /** An operation failed for good. Values: the kind. */
        OPERATION_FAILED("{0} failed"),
        /** An operation failed and is tried again. Values: the kind. */
        OPERATION_RETRIED("{0} failed, tries again"),
        /** An operation failed too often and waits for a person. Values: the kind. */
        OPERATION_PARKED("{0} is parked"),

        /** An operation waits for those before it. Values: the kind. */
        AWAITS_TURN("{0} waits for its turn"),
        /** An operation is being carried out. Values: the kind, the step. */
        AWAITS_STEP("{0} is being carried out, step {1}"),
        /** An operation waits for its next try. Values: the kind. */
        AWAITS_NEXT_TRY("{0} is tried again"),
        /** An operation waits for a person to retry it or to ask for another. Values: the kind. */
        AWAITS_PERSON("a person to retry or replace {0}"),
        /** An operation waits for somebody's approval. Values: the kind. */
        AWAITS_APPROVAL("somebody's approval of {0}");

        private final String english;

        Code(String english) {
            this.english = english;
        }
    }

    /** Copies the list. */
    public Reason {
        values = List.copyOf(values);
    }

    /** Returns a reason that names these values. */
    public static Reason of(Code code, String... values) {
        String text = code.english;
        for (int i = 0; i < values.length; i++) {
            text = text.replace("{" + i + "}", values[i]);
        }
        return new Reason(code, List.of(values), Optional.empty(), text);
    }

    /** Returns a reason in somebody else's words. */
    public static Reason said(String words) {
        return of(Code.SAID, words);
    }

    /** Returns a failure. */
    public static Reason error(ErrorCode code, String message) {
        return of(Code.ERROR, code.name(), message);
    }

    /** Returns this reason with what is behind it. */
    public Reason because(Reason why) {
        return new Reason(
                code, values, Optional.of(why), of(code, values.toArray(String[]::new)).text + ": " + why.text);
    }

    @Override
    public String toString() {
        return text;
    }
}
