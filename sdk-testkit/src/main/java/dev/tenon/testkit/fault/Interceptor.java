package dev.tenon.testkit.fault;

/** Sees every call before and after its effect, and may throw at either moment. Called from any thread. */
public interface Interceptor {
    /** Called before the effect; what it throws, the caller gets, and nothing happens. */
    void before(Call call);

    /** Called after the effect; what it throws, the caller gets in place of the answer. */
    void after(Call call);

    /** Returns an interceptor that asks this one first and last. */
    default Interceptor around(Interceptor inner) {
        Interceptor outer = this;
        return new Interceptor() {
            @Override
            public void before(Call call) {
                outer.before(call);
                inner.before(call);
            }

            @Override
            public void after(Call call) {
                inner.after(call);
                outer.after(call);
            }
        };
    }
}
