import { useState } from "preact/hooks";
import { Trouble } from "../parts";
import { signIn } from "../session";

export function SignIn() {
  const [key, setKey] = useState("");
  const [error, setError] = useState<unknown>(null);
  const submit = (event: Event) => {
    event.preventDefault();
    setError(null);
    signIn(key).catch(setError);
  };
  return (
    <section class="signin">
      <h1>Podcast Engine</h1>
      <form onSubmit={submit}>
        <label class="field">
          <span>API key</span>
          <input type="password" autocomplete="current-password" required value={key} spellcheck={false}
            onInput={(event) => setKey(event.currentTarget.value)} />
          <small>It begins with <code>pe_</code>. <code>podcast keys add NAME</code> makes one; <code>podcast up</code> prints one.</small>
        </label>
        <button type="submit">Sign in</button>
      </form>
      <Trouble error={error} />
    </section>
  );
}
