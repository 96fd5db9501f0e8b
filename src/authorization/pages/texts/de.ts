import type { en } from './en.js';

/** Every text of the pages, in German. */
export const de: Readonly<Record<keyof typeof en, string>> = {
  language: 'de',

  'consent.title': '{client} erlauben?',
  'consent.heading': '{client} möchte Zugriff',
  'consent.who': 'Wer fragt',
  'consent.name': 'Name',
  'consent.unverified': '{client} (Name nicht geprüft)',
  'consent.unnamed': 'Eine App ohne Namen',
  'consent.clientId': 'Client-ID',
  'consent.returnsTo': 'Antwort geht an',
  'consent.what': 'Was die App bei {resources} darf',
  'consent.limits':
    'Die App bekommt davon nur, was die Person darf, die sich anmeldet. Sie bleibt angemeldet, bis sie 30 Tage nicht benutzt wird, höchstens aber 90 Tage.',
  'consent.loopback':
    'Die Antwort geht an ein Programm auf diesem Computer. Erlauben Sie das nur, wenn Sie diese Anmeldung gerade selbst begonnen haben.',
  'consent.privateUse':
    'Die Antwort geht an eine App auf diesem Gerät, und jede App kann diese Adresse beanspruchen. Erlauben Sie das nur, wenn Sie diese Anmeldung gerade selbst begonnen haben.',
  'consent.device':
    'Die Antwort geht an das Gerät, das Ihnen den Code gezeigt hat. Erlauben Sie das nur, wenn Sie dieses Gerät vor sich haben.',
  'consent.warned':
    'Die Betreiber dieses Servers bürgen nicht für diese App. Erlauben Sie sie nur, wenn Sie sie kennen.',
  'consent.allowAs': 'Als {person} erlauben',
  'consent.allowWith': 'Erlauben und weiter mit {provider}',
  'consent.allowLocal': 'Erlauben und anmelden',
  'consent.demo': 'Demo-Anmeldung: erlauben als',
  'consent.signedIn': '{tenant}, angemeldet',
  'consent.nobody': 'Es gibt niemanden, der sich anmelden könnte.',
  'consent.deny': 'Ablehnen',

  'device.title': 'Ein Gerät verbinden',
  'device.code': 'Code auf dem Gerät',
  'device.phishing':
    'Geben Sie nur einen Code ein, den Sie auf einem eigenen Gerät sehen. Von diesem Server schickt Ihnen niemand einen.',
  'device.continue': 'Weiter',
  'device.unknownCode':
    'Dieser Code geht nicht: Er ist vertippt, schon benutzt oder abgelaufen. Vergleichen Sie ihn mit dem Gerät, oder lassen Sie sich einen neuen zeigen.',
  'device.startAgain': 'Diese Seite war zu lange offen. Geben Sie den Code noch einmal ein.',
  'device.tooMany':
    'Von hier wurden zu viele Codes versucht. Versuchen Sie es in {seconds} Sekunden wieder.',
  'device.confirmTitle': 'Ist das Ihr Gerät?',
  'device.confirmHeading': '{client} verbinden?',
  'device.compare': 'Ihr Gerät muss genau diesen Code zeigen:',
  'device.warning':
    'Hören Sie hier auf, wenn Ihnen jemand den Code oder den Link zu dieser Seite geschickt hat: Diese Person bekäme Zugriff auf Ihr Konto.',
  'device.confirm': 'Es ist mein Gerät und zeigt diesen Code',
  'device.abort': 'Aufhören',
  'device.doneTitle': 'Das Gerät ist verbunden',
  'device.done': '{client} macht von selbst weiter. Sie können diese Seite schließen.',
  'device.abortedTitle': 'Das Gerät ist nicht verbunden',
  'device.aborted': 'Es wurde nichts erlaubt. Sie können diese Seite schließen.',

  'signIn.title': 'Anmelden',
  'signIn.intro': 'Melden Sie sich an, um zu sehen, welche Apps mit Ihrem Konto verbunden sind.',
  'signIn.with': 'Weiter mit {provider}',
  'signIn.demo': 'Demo-Anmeldung: weiter als',
  'signIn.submit': 'Anmelden',
  'signIn.userName': 'Benutzername',
  'signIn.password': 'Passwort',
  'signIn.failed': 'Das hat nicht geklappt. Prüfen Sie Benutzername und Passwort.',
  'signIn.wait': 'Zu viele Versuche. Versuchen Sie es in {seconds} s wieder.',
  'signIn.cancelled':
    'Die Anmeldung mit {provider} wurde nicht abgeschlossen. Es wurde nichts erlaubt.',
  'signIn.unavailable':
    '{provider} ist gerade nicht erreichbar oder antwortet nicht wie erwartet. Versuchen Sie es noch einmal, oder wählen Sie einen anderen Weg.',

  'denied.title': 'Sie können sich hier nicht anmelden',
  'denied.text':
    'Laut {provider} sind Sie {person}, aber dieses Konto hat keinen Zugang zu diesem Server.',
  'denied.disabled': 'Das Konto von {person} ist auf diesem Server abgeschaltet.',
  'denied.contact': 'Bitten Sie {contact} um Zugang.',
  'denied.operator': 'Bitten Sie die Betreiber dieses Servers um Zugang.',
  'denied.retry': 'Ein anderes Konto verwenden',
  'denied.back': 'Nicht anmelden und zur App zurückkehren',

  'error.title': 'Die Anmeldung hat nicht geklappt',
  'error.unknown': 'Die Anfrage konnte nicht abgeschlossen werden.',
  'error.code': 'Fehlercode: {code}',
  'error.restart':
    'Gehen Sie zurück zu der App, von der Sie kamen, und beginnen Sie dort von vorn.',
  'error.invalidClient':
    'Dieser Server kennt die App nicht oder nicht mehr. Löschen Sie, was die App über diesen Server gespeichert hat, und verbinden Sie sie neu: Sie registriert sich dann wieder.',
  'error.stale': 'Diese Anmeldung ist vorbei oder wurde in einem anderen Browser begonnen.',
  'error.form':
    'Das Formular kam nicht von der Seite, zu der es gehört. Gehen Sie zurück und versuchen Sie es noch einmal.',
  'error.state':
    'Diese Antwort des Anmeldedienstes wurde schon benutzt, ist abgelaufen oder gehört zu einem anderen Browser.',
  'error.person': 'Diese Person kann sich nicht anmelden.',

  'account.title': 'Ihre verbundenen Apps',
  'account.person': 'Angemeldet als {person}',
  'account.none': 'Mit Ihrem Konto ist keine App verbunden.',
  'account.since': 'Verbunden am {date}',
  'account.mayDo': 'Die App darf:',
  'account.nothing': 'Die App darf nichts.',
  'account.revoke': '{client} trennen',
  'account.revoked': '{client} ist getrennt. Was die App hier offen hatte, ist beendet.',
  'account.signOut': 'Abmelden',

  'signedOut.title': 'Sie sind abgemeldet',
  'signedOut.text': 'Dieser Browser ist hier abgemeldet. Verbundene Apps bleiben verbunden.',
  'signedOut.upstream': 'Bei {provider} sind Sie vielleicht noch angemeldet.',
  'signedOut.upstreamLink': 'Auch dort abmelden',
  'signedOut.again': 'Wieder anmelden',
};
