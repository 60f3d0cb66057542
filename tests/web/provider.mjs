// An OpenID provider for tests: npm's oidc-provider, on a free port, which it prints. Whoever types `tenant:person`
// signs in as that person of that tenant, with any password. All of them have the same address.
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const [redirectUri] = process.argv.slice(2);
const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: ['share', 'another'].map((id) => ({
      client_id: id,
      client_secret: 'a secret: of tests & nobody',
      redirect_uris: [redirectUri],
    })),
    claims: { openid: ['sub', 'tid', 'oid', 'email', 'email_verified'], profile: ['preferred_username'] },
    conformIdTokenClaims: false,
    cookies: { keys: ['only these tests sign with it'] },
    features: { devInteractions: { enabled: true } },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        tid: id.split(':')[0],
        oid: id.split(':')[1],
        email: 'lead.kent@example.police.uk',
        email_verified: true,
        preferred_username: `${id.split(':')[1]}@kent.example`,
      }),
    }),
    // Nobody is asked whether they agree: an organisation agrees for its people.
    loadExistingGrant: async (ctx) => {
      const kept = ctx.oidc.session.grantIdFor(ctx.oidc.client.clientId);
      if (kept) return ctx.oidc.provider.Grant.find(kept);
      const grant = new ctx.oidc.provider.Grant({
        clientId: ctx.oidc.client.clientId,
        accountId: ctx.oidc.session.accountId,
      });
      grant.addOIDCScope('openid profile');
      await grant.save();
      return grant;
    },
  });
  server.on('request', provider.callback());
  console.log(port);
});
