/** Every text of the pages, in English. `{name}` is filled in; other languages have the same keys. */
export const en = {
  language: 'en',

  'consent.title': 'Allow {client}?',
  'consent.heading': '{client} wants access',
  'consent.who': 'Who is asking',
  'consent.name': 'Name',
  'consent.unverified': '{client} (name not verified)',
  'consent.unnamed': 'An app without a name',
  'consent.clientId': 'Client id',
  'consent.returnsTo': 'Returns to',
  'consent.what': 'What it may do at {resources}',
  'consent.limits':
    'It gets only those of them that the person who signs in may do. It stays signed in until it is unused for 30 days, and for 90 days at most.',
  'consent.loopback':
    'The answer goes to a program on this computer. Allow it only if you have just started this sign-in yourself.',
  'consent.privateUse':
    'The answer goes to an app on this device, and any app can claim that address. Allow it only if you have just started this sign-in yourself.',
  'consent.device':
    'The answer goes to the device that showed you the code. Allow it only if you hold that device.',
  'consent.warned':
    'The people who run this server do not vouch for this app. Allow it only if you know it.',
  'consent.allowAs': 'Allow as {person}',
  'consent.allowWith': 'Allow and continue with {provider}',
  'consent.allowLocal': 'Allow and sign in',
  'consent.demo': 'Demo sign-in: allow as',
  'consent.signedIn': '{tenant}, signed in',
  'consent.nobody': 'There is nobody who could sign in.',
  'consent.deny': 'Deny',

  'device.title': 'Connect a device',
  'device.code': 'Code on the device',
  'device.phishing':
    'Type only a code that you see on a device of your own. Nobody from this server ever sends you one.',
  'device.continue': 'Continue',
  'device.unknownCode':
    'This code does not work: it was mistyped, has been used, or has expired. Compare it with the device, or let the device show a new one.',
  'device.startAgain': 'This page was open for too long. Type the code again.',
  'device.tooMany': 'Too many codes were tried from here. Try again in {seconds} seconds.',
  'device.confirmTitle': 'Is this your device?',
  'device.confirmHeading': 'Connect {client}?',
  'device.compare': 'Your device has to show exactly this code:',
  'device.warning':
    'Stop here if somebody sent you the code or the link to this page: whoever did would get access to your account.',
  'device.confirm': 'It is my device and it shows this code',
  'device.abort': 'Stop',
  'device.doneTitle': 'The device is connected',
  'device.done': '{client} goes on by itself. You can close this page.',
  'device.abortedTitle': 'The device is not connected',
  'device.aborted': 'Nothing was allowed. You can close this page.',

  'signIn.title': 'Sign in',
  'signIn.intro': 'Sign in to see which apps are connected to your account.',
  'signIn.with': 'Continue with {provider}',
  'signIn.demo': 'Demo sign-in: continue as',
  'signIn.submit': 'Sign in',
  'signIn.userName': 'User name',
  'signIn.password': 'Password',
  'signIn.failed': 'That did not work. Check the user name and the password.',
  'signIn.wait': 'Too many attempts. Try again in {seconds} s.',
  'signIn.cancelled': 'The sign-in with {provider} was not completed. Nothing has been allowed.',
  'signIn.unavailable':
    '{provider} cannot be reached at the moment, or does not answer as it should. Try again, or choose another way.',

  'denied.title': 'You cannot sign in here',
  'denied.text':
    '{provider} says that you are {person}, but this account has no access to this server.',
  'denied.disabled': 'The account of {person} is switched off on this server.',
  'denied.contact': 'Ask {contact} to give you access.',
  'denied.operator': 'Ask the people who run this server to give you access.',
  'denied.retry': 'Use another account',
  'denied.back': 'Do not sign in, and return to the app',

  'error.title': 'Sign-in did not work',
  'error.unknown': 'The request could not be completed.',
  'error.code': 'Error code: {code}',
  'error.restart': 'Go back to the app you came from and start the sign-in there again.',
  'error.invalidClient':
    'This server does not know the app, or does not know it any more. Remove what the app has saved for this server, then connect again: it will register anew.',
  'error.stale': 'This sign-in is over or was started in another browser.',
  'error.form': 'The form was not sent from the page it belongs to. Go back and try again.',
  'error.state':
    'This answer of the identity provider was used before, has expired, or belongs to another browser.',
  'error.person': 'This person cannot sign in.',

  'account.title': 'Your connected apps',
  'account.person': 'Signed in as {person}',
  'account.none': 'No app is connected to your account.',
  'account.since': 'Connected on {date}',
  'account.mayDo': 'It may:',
  'account.nothing': 'It may do nothing.',
  'account.revoke': 'Disconnect {client}',
  'account.revoked': '{client} is disconnected. What it had open here has ended.',
  'account.signOut': 'Sign out',

  'signedOut.title': 'You are signed out',
  'signedOut.text': 'This browser is signed out here. Connected apps stay connected.',
  'signedOut.upstream': 'You may still be signed in with {provider}.',
  'signedOut.upstreamLink': 'Sign out there, too',
  'signedOut.again': 'Sign in again',
} as const;

export type TextKey = Exclude<keyof typeof en, 'language'>;
