# Every sentence that a person reads, in French. The English file has the same keys with the same variables;
# a test holds the two together. Spaces before « ; : ! ? » are no-break ones (U+202F, U+00A0 before the colon).

## Nombres, dates, durées

month-1 = janvier
month-2 = février
month-3 = mars
month-4 = avril
month-5 = mai
month-6 = juin
month-7 = juillet
month-8 = août
month-9 = septembre
month-10 = octobre
month-11 = novembre
month-12 = décembre
date = { $day ->
    [1] 1er
   *[other] { $day }
} { $month } { $year }
instant = { $date } à { $time } UTC
duration-days = { $count } { $count ->
    [one] jour
   *[other] jours
}
duration-hours = { $count } h
duration-minutes = { $count } min
duration-moment = moins d’une minute
unit-day = jour
unit-days = jours
unit-hours = h
unit-minutes = min
unit-seconds = s

## Ce qui est vendu

plan-signaux-weekly = 1 semaine
plan-signaux-monthly = 1 mois
plan-signaux-quarterly = 3 mois
plan-signaux-yearly = 1 an
plan-other = Accès { $days } { $days ->
    [one] jour
   *[other] jours
}
plan-length = { $days } { $days ->
    [one] jour d’accès
   *[other] jours d’accès
}
way-test = test, sans argent réel
provider-stripe = Carte bancaire
provider-paypal = PayPal
provider-mtn_momo = MTN Mobile Money
provider-fedapay = FedaPay
provider-btcpay = Bitcoin
provider-bank_transfer = Virement bancaire
provider-crypto_address = Cryptomonnaie
provider-hmac_psp = Paiement en ligne
currency-xof = Afrique de l’Ouest
currency-xaf = Afrique centrale

## Cadre des pages

frame-skip = Aller au contenu
frame-nav = Navigation principale
frame-log-in = Se connecter
frame-sign-up = Créer un compte
frame-dashboard = Mon accès
frame-account = Mon compte
frame-log-out = Se déconnecter
frame-language = Read this page in English
frame-language-short = English
frame-sandbox = Bac à sable : aucun argent réel
frame-contact = Nous écrire
frame-api = Documentation de l’API

## Accueil

home-title = Accès au canal de signaux
home-heading = Les signaux, pour le temps que vous choisissez
home-lead = Choisissez une durée, payez une fois, et notre canal Telegram s’ouvre dans la minute. Rien ne se renouvelle tout seul.
home-choose = Voir les formules
home-have-account = J’ai déjà un compte
home-fact-1 = Aucun prélèvement automatique
home-fact-1-text = Un renouvellement est un achat que vous décidez, jamais une surprise.
home-fact-2 = Renouveler tôt ne coûte rien
home-fact-2-text = Le nouveau temps s’ajoute à la suite. Pas une seconde n’est perdue.
home-fact-3 = Prévenu 48 heures avant
home-fact-3-text = Un e-mail vous rappelle la fin de l’accès, assez tôt pour décider.
home-plans = Choisissez votre durée
home-plans-lead = Le même canal, le même contenu. Seule la durée change.
home-plans-empty = Aucune formule n’est en vente pour le moment. Revenez bientôt.
home-plan-choose = Choisir
home-plan-choose-label = Choisir { $plan }
home-price-or = ou
home-how = Comment ça marche
home-step-1 = Créez votre compte
home-step-1-text = Une adresse e-mail et un mot de passe. Vous confirmez l’adresse d’un clic.
home-step-2 = Payez la durée choisie
home-step-2-text = Le paiement se fait chez le prestataire : nous ne voyons jamais votre carte.
home-step-3 = Rejoignez le canal
home-step-3-text = Reliez Telegram, ouvrez votre invitation personnelle : la porte s’ouvre pour vous seul.

## Inscription

signup-title = Créer un compte
signup-lead = Deux minutes suffisent, puis vous choisissez votre durée.
signup-submit = Créer mon compte
signup-have-account = Déjà un compte ?
field-email = Adresse e-mail
field-password = Mot de passe
field-password-show = Afficher
field-password-hide = Masquer
field-password-hint = Au moins { $minimum } caractères. Une courte phrase est facile à retenir.

mail-sent-title = Consultez votre boîte e-mail
mail-sent-signup = Nous venons d’écrire à { $email }. Suivez le lien de ce message : il est valable 24 heures.
mail-sent-resend = Si une inscription attend pour { $email }, un nouveau lien vient de partir. Il est valable 24 heures.
mail-sent-hint = Rien après quelques minutes ? Regardez dans les indésirables, ou demandez un nouveau lien.
mail-sent-again = Demander un nouveau lien
mail-sent-other = Utiliser une autre adresse

verify-title = Confirmer votre adresse
verify-lead = Entrez le mot de passe choisi à l’inscription : il prouve que c’est bien vous.
verify-submit = Confirmer mon adresse
verify-failed = Ce lien et ce mot de passe ne vont pas ensemble, ou le lien a déjà servi ou expiré (24 heures).

resend-title = Recevoir un nouveau lien
resend-lead = Indiquez l’adresse de votre inscription. Si elle attend une confirmation, un lien part aussitôt.
resend-submit = Envoyer le lien

## Connexion

login-title = Se connecter
login-submit = Se connecter
login-no-account = Pas encore de compte ?
login-refused = Cette adresse et ce mot de passe n’ouvrent pas de compte. Si votre adresse n’est pas encore confirmée, faites-vous renvoyer le lien.
login-resend = Renvoyer le lien de confirmation
login-too-many = Trop d’essais. Réessayez dans { $wait }.
login-busy = Beaucoup de monde en ce moment. Réessayez dans quelques secondes.

## Mon accès

dashboard-title = Mon accès
access-none = Pas encore d’accès
access-none-text = Choisissez une durée ci-dessous. Votre temps commence quand le paiement est confirmé.
access-active = Accès actif
access-suspended = Accès suspendu
access-kept = Temps mis de côté : { $kept }
access-suspended-text = Un paiement est contesté ou une vérification est en cours. En attendant, ce temps ne s’écoule pas.
access-ended = Accès terminé
access-ended-text = Votre accès s’est terminé le { $end }. Vous pouvez revenir quand vous voulez.
access-ends = Se termine le { $end }
access-left = Il vous reste { $left }
access-left-loaded = Temps restant au chargement de cette page.
access-closing-two-days = Il vous reste deux jours.
access-closing-under-two-days = Il vous reste moins de deux jours.
access-closing-one-day = Il vous reste un jour.
access-closing-under-one-day = Il vous reste moins d’un jour.
access-closing-under-one-hour = Il vous reste moins d’une heure.
access-closing = Renouvelez quand vous voulez : le nouveau temps s’ajoute à la suite, rien n’est perdu.
access-renew = Renouveler
access-choose = Choisir une durée
access-channel = Canal { $channel }
access-plan = Formule { $plan }

plans-buy-title = Choisir une durée
plans-renew-title = Ajouter du temps
plans-renew-lead = Le nouveau temps commence quand l’actuel se termine.
plans-buy-lead = Un seul paiement, aucun renouvellement automatique.
plans-offer = Moyen de paiement
plans-buy = Payer
plans-buy-label = Payer pour { $plan }
plans-unavailable = Aucun moyen de paiement n’est disponible pour le moment.

payments-title = Paiements
payments-empty = Vos paiements apparaîtront ici.
payments-more = Voir les paiements plus anciens
payments-open = Détail du paiement du { $date }

telegram-title = Telegram
telegram-off = Le canal n’est pas encore ouvert. Votre temps payé est conservé ; nous vous prévenons par e-mail.
telegram-unlinked = Reliez votre compte Telegram pour que le canal vous reconnaisse.
telegram-link = Relier Telegram
telegram-ready = Ouvrez le lien dans Telegram et appuyez sur « Démarrer ». Il ne sert qu’une fois, jusqu’au { $end }.
telegram-open = Ouvrir Telegram
telegram-refresh = J’ai appuyé sur « Démarrer »
telegram-new-link = Créer un autre lien
telegram-linked-as = Relié à { $account }
telegram-since = depuis le { $date }
telegram-no-access = Le canal s’ouvrira dès que vous aurez un accès en cours.
telegram-preparing = Votre invitation se prépare. Elle apparaît ici dans la minute.
telegram-invite = Votre invitation personnelle est prête : demandez à entrer, la porte s’ouvre dans la minute.
telegram-join = Rejoindre le canal
telegram-inside = Vous êtes dans le canal.
telegram-withheld = L’accès au canal est suspendu. Écrivez-nous pour en savoir plus.
telegram-unlink = Délier ce compte

## Paiement

payment-title = Paiement
payment-back = Mon accès
payment-where = Où est mon argent ?
payment-plan = Formule
payment-amount = Montant
payment-provider = Moyen de paiement
payment-created = Demandé le
payment-reference = Référence
payment-continue = Continuer vers le paiement
plans-phone = Numéro Mobile Money
plans-phone-hint = Uniquement pour Mobile Money : vous validez le paiement sur ce téléphone.
instructions-account-holder = Titulaire du compte
instructions-iban = IBAN
instructions-bic = BIC
instructions-bank = Banque
instructions-exact-amount = Montant exact
instructions-transfer-reference = Référence à indiquer
instructions-network = Réseau
instructions-address = Adresse
instructions-phone = Validez la demande sur
receipt-title = Reçu
receipt-seller = Vendeur
receipt-customer = Client
receipt-number = Numéro
receipt-paid-at = Payé le
receipt-refunded = Remboursé
receipt-transaction = Transaction
receipt-test = Test : aucun argent réel n’a bougé. Ce reçu ne vaut rien.
receipt-verify = Ce reçu est signé. Chacun peut le vérifier sans nous, avec la clé publiée à l’adresse
receipt-signature = Reçu signé
payment-receipt = Reçu
payment-instructions = Comment payer
payment-try-again = Choisir à nouveau
payment-watching = Cette page se met à jour toute seule.
payment-status-pending = En attente
payment-status-under_review = En vérification
payment-status-succeeded = Payé
payment-status-failed = Refusé
payment-status-expired = Expiré
payment-status-refunded = Remboursé
payment-status-partially_refunded = Remboursé en partie
payment-status-disputed = Contesté
payment-status-charged_back = Rejeté par la banque
payment-step-created = Demande enregistrée
payment-step-created-text = Le prix est fixé, rien n’est encore débité.
payment-step-opened = Page de paiement ouverte
payment-step-opened-text = C’est au prestataire de recevoir votre paiement.
payment-step-asking = Question posée au prestataire
payment-step-asking-text = Sa réponse n’est pas encore arrivée. Nous la redemandons, vous ne paierez pas deux fois.
payment-step-settled = Paiement confirmé
payment-step-settled-text = Le prestataire a confirmé avoir reçu l’argent.
payment-step-access = Temps d’accès ajouté
payment-step-access-text = Votre accès a été prolongé.
payment-step-review = Nous vérifions ce paiement
payment-step-review-text = Ce que le prestataire annonce n’est pas ce que vous avez commandé, par exemple le montant. Nous regardons cela de près : soit votre accès s’ouvre, soit l’argent vous revient. Vous n’avez rien à faire.
payment-step-failed = Paiement refusé
payment-step-failed-text = Rien n’a été débité. Vous pouvez choisir un autre moyen de paiement.
payment-reason-other = Le prestataire a refusé ce paiement.
payment-reason-card_declined = La carte a été refusée.
payment-reason-insufficient_funds = Il n’y avait pas assez d’argent sur le compte.
payment-reason-expired_card = La carte a expiré.
payment-reason-authentication_failed = La banque n’a pas pu confirmer que c’était vous.
payment-reason-limit_exceeded = Le montant dépasse la limite de la carte ou du compte.
payment-reason-cancelled = Le paiement a été annulé.
payment-step-expired = Délai dépassé
payment-step-expired-text = La page de paiement n’a pas été utilisée à temps. Rien n’a été débité.
payment-step-refunded = Remboursement
payment-step-refunded-text = L’argent repart vers votre moyen de paiement ; votre banque peut prendre quelques jours.
payment-step-disputed = Contestation ouverte
payment-step-disputed-text = Le temps non utilisé est mis de côté jusqu’à la décision de la banque.
payment-step-charged_back = Contestation tranchée
payment-step-charged_back-text = La banque a rendu l’argent. Le temps non utilisé de ce paiement est retiré.

checkout-title = Vers le paiement
checkout-lead = Vous allez payer { $amount } chez notre prestataire de paiement.
checkout-hint = Si rien ne se passe, utilisez le bouton.

return-title = Retour du paiement
return-checking = Nous demandons la réponse du prestataire
return-checking-text = Cela prend le plus souvent quelques secondes. Vous pouvez aussi fermer cette page : rien ne se perd.
return-paid = Merci, c’est payé
return-paid-text = Votre accès court jusqu’au { $end }.
return-review = Nous vérifions ce paiement
return-failed = Le paiement n’a pas abouti
return-failed-text = Rien n’a été débité. Vous pouvez réessayer ou choisir un autre moyen.
return-expired = La page de paiement a expiré
return-expired-text = Rien n’a été débité. Vous pouvez recommencer quand vous voulez.
return-dashboard = Aller à mon accès
return-details = Où est mon argent ?

## Messages d’une page à la suivante

flash-verified = Votre adresse est confirmée. Vous pouvez vous connecter.
flash-logged-out = Vous êtes déconnecté.
flash-session-ended = Votre session est terminée. Reconnectez-vous pour continuer.
flash-unlinked = Ce compte Telegram n’est plus relié.
flash-payment-open = Ce paiement est déjà en cours : vous pouvez le terminer.
flash-payment-refused = Le paiement n’a pas pu être ouvert. Rien n’a été débité.

## Erreurs : un titre et une explication pour chaque code

problem-request = Numéro à nous donner si vous nous écrivez :
problem-home = Retour à l’accueil
problem-back = Mon accès
error-not_found-title = Introuvable
error-not_found-detail = Il n’y a rien à cette adresse, ou ce n’est pas à vous.
error-method_not_allowed-title = Méthode non permise
error-method_not_allowed-detail = Cette adresse n’accepte pas cette méthode HTTP.
error-unauthorized-title = Connexion nécessaire
error-unauthorized-detail = Le jeton d’accès manque, a expiré ou n’est pas valable.
error-forbidden-title = Accès refusé
error-forbidden-detail = Votre compte n’a pas le droit de faire cela.
error-csrf_failed-title = Formulaire périmé
error-csrf_failed-detail = Ce formulaire ne vient pas de la page ouverte, ou elle est restée ouverte trop longtemps. Revenez en arrière, rechargez la page et recommencez.
error-validation_failed-title = Données non valables
error-validation_failed-detail = Certains champs ne peuvent pas être acceptés ; la liste « errors » dit lesquels et pourquoi.
error-malformed_body-title = Corps illisible
error-malformed_body-detail = Le corps de la requête n’est pas un document JSON lisible.
error-unsupported_media_type-title = Type de contenu non accepté
error-unsupported_media_type-detail = Envoyez le corps en application/json.
error-payload_too_large-title = Corps trop grand
error-payload_too_large-detail = Le corps de la requête dépasse la taille permise.
error-uri_too_long-title = Adresse trop longue
error-uri_too_long-detail = L’adresse ou les en-têtes dépassent la taille permise.
error-rate_limited-title = Trop de requêtes
error-rate_limited-detail = Vous allez plus vite que permis. Attendez le temps indiqué, puis réessayez.
error-request_timeout-title = Délai dépassé
error-request_timeout-detail = La requête a pris trop de temps. Réessayez.
error-idempotency_key_missing-title = Clé d’idempotence absente
error-idempotency_key_missing-detail = Donnez la clé une seule fois : dans l’en-tête Idempotency-Key ou dans le champ idempotency_key.
error-idempotency_key_too_long-title = Clé d’idempotence trop longue
error-idempotency_key_too_long-detail = La clé a entre 1 et 255 caractères ASCII visibles.
error-idempotency_key_reused-title = Clé déjà utilisée autrement
error-idempotency_key_reused-detail = Cette clé a déjà servi avec un autre contenu. Prenez une nouvelle clé pour une nouvelle demande.
error-idempotency_in_progress-title = Demande en cours
error-idempotency_in_progress-detail = La première demande avec cette clé est encore traitée. Réessayez dans quelques secondes avec la même clé.
error-plan_unknown-title = Formule inconnue
error-plan_unknown-detail = Cette formule n’existe pas ou n’est plus vendue.
error-provider_unknown-title = Moyen de paiement inconnu
error-provider_unknown-detail = Ce moyen de paiement n’existe pas.
error-provider_unavailable-title = Moyen de paiement indisponible
error-provider_unavailable-detail = Ce moyen de paiement n’est pas disponible pour le moment. Choisissez-en un autre ou réessayez plus tard.
error-currency_required-title = Devise à préciser
error-currency_required-detail = Plusieurs prix conviennent : précisez la devise.
error-currency_not_offered-title = Devise non proposée
error-currency_not_offered-detail = Cette formule n’est pas vendue dans cette devise par ce moyen de paiement.
error-nothing_to_refund-title = Rien à rembourser
error-nothing_to_refund-detail = Aucun argent n’est arrivé pour ce paiement, ou tout est déjà reparti.
error-not_confirmed_by_hand-title = Confirmé par le prestataire
error-not_confirmed_by_hand-detail = Ce paiement est confirmé par son prestataire, pas à la main.
error-transaction_already_used-title = Virement déjà utilisé
error-transaction_already_used-detail = Ce virement a déjà confirmé un paiement.
error-differs_from_quote-title = Différent du devis
error-differs_from_quote-detail = Ce qui est arrivé diffère de ce qui était demandé. Le cas est conservé : acceptez-le ou rejetez-le.
error-not_decidable-title = Décision impossible
error-not_decidable-detail = Ce cas est déjà tranché, ou ne peut pas être accepté.
error-nothing_to_replay-title = Rien à rejouer
error-nothing_to_replay-detail = Cet événement n’affirme rien qui puisse être appliqué à nouveau.
error-body_forgotten-title = Contenu effacé
error-body_forgotten-detail = Le contenu de cet événement a été effacé à la fin de sa durée de conservation : il ne peut plus être rejoué.
error-method_comes_with_a_payment-title = Enregistré avec un paiement
error-method_comes_with_a_payment-detail = Un moyen de paiement de ce prestataire s’enregistre avec un paiement et ne se saisit pas.
error-not_paid-title = Non payé
error-not_paid-detail = Aucun argent n’est arrivé pour ce paiement : il n’y a pas de reçu.
error-payment_method_unknown-title = Moyen enregistré inconnu
error-payment_method_unknown-detail = Ce moyen de paiement enregistré n’existe pas ou n’est pas à vous.
error-invalid_credentials-title = Identifiants refusés
error-invalid_credentials-detail = Cette adresse et ce mot de passe n’ouvrent pas de compte. Si l’adresse n’est pas encore confirmée, demandez un nouveau lien de confirmation.
error-token_invalid-title = Lien non valable
error-token_invalid-detail = Ce lien ou ce jeton ne convient pas, a déjà servi ou a expiré.
error-card_number_refused-title = Numéro de carte refusé
error-card_number_refused-detail = Un champ ressemble à un numéro de carte. N’envoyez jamais de numéro de carte ici : le paiement se fait chez le prestataire.
error-conflict-title = Conflit
error-conflict-detail = L’état a changé entre-temps. Relisez-le, puis recommencez.
error-signature_invalid-title = Signature refusée
error-signature_invalid-detail = La signature manque, ne correspond pas au corps reçu ou est trop ancienne.
error-step_up_required-title = Confirmation nécessaire
error-step_up_required-detail = Cette action demande une nouvelle preuve de votre identité.
error-cursor_invalid-title = Curseur non valable
error-cursor_invalid-detail = Ce curseur ne vient pas d’une liste précédente. Recommencez sans curseur.
error-telegram_unavailable-title = Telegram indisponible
error-telegram_unavailable-detail = Le canal Telegram n’est pas configuré ou ne répond pas pour le moment.
error-internal-title = Erreur de notre côté
error-internal-detail = Quelque chose n’a pas marché chez nous. L’incident est enregistré ; réessayez dans un moment.
error-service_unavailable-title = Momentanément indisponible
error-service_unavailable-detail = Le service ne peut pas répondre maintenant. Réessayez dans un moment.
error-code_invalid-title = Code refusé
error-code_invalid-detail = Ce code est faux, a déjà servi ou a expiré. Attendez le suivant, puis réessayez.
error-challenge_ended-title = Code plus attendu
error-challenge_ended-detail = Ce code n’est plus attendu : trop d’essais, ou trop de temps. Recommencez depuis le début.
error-password_wrong-title = Mot de passe refusé
error-password_wrong-detail = Ce mot de passe n’est pas celui de votre compte.
error-second_factor_required-title = Second facteur nécessaire
error-second_factor_required-detail = Cette action n’est ouverte qu’après une connexion avec un second facteur. Ajoutez-en un, ou reconnectez-vous avec son code.
error-code_required-title = Code nécessaire
error-code_required-detail = Votre compte a un second facteur : donnez aussi un code.
error-factor_not_trusted-title = Facteur trop récent
error-factor_not_trusted-detail = Ce second facteur ne peut pas encore confirmer cette action. Utilisez-en un plus ancien, ou attendez 24 heures après son ajout.
error-nothing_to_confirm-title = Rien à confirmer
error-nothing_to_confirm-detail = Il n’y a rien ici à confirmer ni à retirer.
error-app_required-title = Application nécessaire
error-app_required-detail = Ajoutez d’abord une application d’authentification, puis votre téléphone.
error-sms_unavailable-title = SMS indisponible
error-sms_unavailable-detail = Aucun SMS ne peut partir vers ce téléphone pour le moment. Utilisez votre application ou un code de secours.
error-scope_not_allowed-title = Droit non permis
error-scope_not_allowed-detail = Une clé a au moins un droit, jamais plus que vous, et jamais ceux qui protègent les comptes.
error-key_not_allowed-title = Clé refusée
error-key_not_allowed-detail = Le nom d’une clé a 1 à 100 caractères, elle vit de 1 à 365 jours, et un compte en a 20 au plus.
error-nothing_to_revoke-title = Rien à retirer
error-nothing_to_revoke-detail = Il ne reste pas de temps à venir qui puisse être retiré.
error-name_taken-title = Nom déjà pris
error-name_taken-detail = Ce nom existe déjà. Choisissez-en un autre.
error-stale-title = Modifié entre-temps
error-stale-detail = Quelqu’un l’a modifié depuis votre lecture. Relisez, puis décidez de nouveau.
error-plan_sold-title = Formule déjà vendue
error-plan_sold-detail = Quelqu’un a cette formule : sa durée et son canal restent tels quels. Créez plutôt une autre formule.
error-already_acknowledged-title = Déjà prise en charge
error-already_acknowledged-detail = Quelqu’un s’occupe déjà de cette alerte.
error-last_admin-title = Dernier administrateur
error-last_admin-detail = Le dernier administrateur ne peut être ni gelé, ni rétrogradé, ni effacé. Nommez-en d’abord un autre.
error-not_yourself-title = Pas sur vous-même
error-not_yourself-detail = Cette action ne peut pas porter sur votre propre compte.
error-insufficient_scope-title = Droit manquant
error-insufficient_scope-detail = Ce jeton ou cette clé n’a pas le droit que cette action demande.
error-too_many_tries-title = Trop d’essais
error-too_many_tries-detail = Trop d’essais ont échoué à la suite. Attendez le temps indiqué, puis réessayez.

invalid-required = Ce champ est nécessaire.
invalid-unknown = Il n’en existe pas de ce nom.
invalid-unknown_field = Ce champ n’existe pas.
invalid-wrong_type = Ce champ n’a pas le bon type.
invalid-not_allowed = Cette valeur n’est pas permise.
invalid-phone_number = Un numéro de téléphone s’écrit + puis 8 à 15 chiffres, en commençant par l’indicatif du pays.
invalid-out_of_range = Cette valeur est hors limites.
invalid-too_long = C’est trop long.
invalid-too_short = C’est trop court.
invalid-email = Cette adresse e-mail n’est pas valable.
invalid-password_too_short = Le mot de passe est trop court.
invalid-password_too_long = Le mot de passe est trop long.
invalid-password_too_common = Ce mot de passe est trop répandu. Une courte phrase à vous sera plus sûre.
invalid-password_of_context = Le mot de passe ne doit pas reprendre votre adresse ni notre nom.
invalid-card_number = Cela ressemble à un numéro de carte : n’en envoyez jamais ici.
invalid-control_characters = Ce champ contient des caractères non permis.
invalid-phone = Écrivez le numéro avec son pays, par exemple +33 6 12 34 56 78.
invalid-reason = Donnez une raison, en 500 caractères au plus.
invalid-scope = Ce droit n’existe pas.
invalid-method = La méthode est totp, sms ou recovery_code.
invalid-code = Ce code n’a pas la bonne forme.
invalid-days = Choisissez de 1 à 365 jours.
invalid-name = Un nom a 1 à 100 caractères visibles.
invalid-sha256 = Donnez une empreinte SHA-256 : 64 chiffres hexadécimaux.

## E-mails

mail-hello = Bonjour,
mail-footer-why = Vous recevez ce message parce que cette adresse a un compte chez { $company }.
mail-footer-contact = Une question ? Écrivez à { $contact }.
mail-link-hint = Si le bouton ne marche pas, copiez cette adresse dans votre navigateur :

mail-verification-subject = Confirmez votre adresse e-mail
mail-verification-heading = Encore un clic
mail-verification-text = Confirmez cette adresse pour ouvrir votre compte chez { $company }. Nous vous demanderons le mot de passe choisi à l’inscription.
mail-verification-button = Confirmer mon adresse
mail-verification-valid = Ce lien est valable 24 heures.
mail-verification-ignore = Ce n’était pas vous ? Ignorez ce message : sans le mot de passe de l’inscription, rien ne se passe.
mail-verification-why = Cette adresse a été donnée à l’inscription chez { $company }.

mail-already-subject = Vous avez déjà un compte
mail-already-heading = Vous avez déjà un compte
mail-already-text = Quelqu’un, sans doute vous, vient de demander un compte chez { $company } avec cette adresse. Il en existe déjà un : connectez-vous simplement.
mail-already-button = Se connecter
mail-already-ignore = Ce n’était pas vous ? Ignorez ce message : rien n’a changé.

mail-paid-subject = Paiement reçu : votre accès court jusqu’au { $date }
mail-paid-heading = Merci, c’est payé
mail-paid-text = Votre paiement est confirmé et votre temps d’accès est ajouté.
mail-paid-plan = Formule
mail-paid-amount = Montant
mail-paid-end = Accès jusqu’au
mail-paid-reference = Référence
mail-paid-button = Voir mon accès
mail-paid-telegram-title = Pour entrer dans le canal
mail-paid-telegram-1 = Ouvrez votre accès avec le lien ci-dessus.
mail-paid-telegram-2 = Choisissez « Relier Telegram », puis « Démarrer » dans Telegram.
mail-paid-telegram-3 = Le robot vous envoie votre invitation personnelle.
mail-paid-linked = Votre compte Telegram est déjà relié : il n’y a rien d’autre à faire.

mail-reminder-subject = Votre accès se termine le { $date }
mail-reminder-heading = Votre accès se termine bientôt
mail-reminder-text = Il vous reste { $left } : votre accès au canal se termine le { $end }.
mail-reminder-renew = Renouvelez quand vous voulez : le nouveau temps s’ajoute à la suite, pas une seconde n’est perdue.
mail-reminder-button = Renouveler
mail-reminder-nothing = Vous ne souhaitez pas continuer ? Il n’y a rien à faire : rien ne sera débité.

mail-granted-subject = Du temps vous est offert
mail-granted-text = { $company } ajoute { $days } { $days ->
    [one] jour
   *[other] jours
} à votre accès au canal. Vous n’avez rien à payer.

mail-revoked-subject = Du temps a été retiré de votre accès
mail-revoked-text = { $company } a retiré du temps de votre accès au canal. Le temps déjà utilisé reste acquis.
mail-revoked-question = Vous ne savez pas pourquoi ? Écrivez-nous à l’adresse ci-dessous, nous regarderons ensemble.

mail-ended-subject = Votre accès est terminé
mail-ended-heading = Votre accès est terminé
mail-ended-text = Votre accès au canal s’est terminé le { $end }. Si votre compte Telegram y était, il en a été retiré. Merci d’avoir été avec nous.
mail-ended-return = La porte reste ouverte : choisissez une durée, et vous revenez en quelques instants.
mail-ended-button = Revenir

mail-reset-subject = Choisissez un nouveau mot de passe
mail-reset-heading = Un nouveau mot de passe
mail-reset-text = Quelqu’un, sans doute vous, a demandé à changer le mot de passe de votre compte chez { $company }.
mail-reset-button = Choisir mon mot de passe
mail-reset-valid = Ce lien est valable 10 minutes et ne sert qu’une fois. Si un second facteur protège votre compte, il reste demandé à la connexion.
mail-reset-ignore = Ce n’était pas vous ? Ignorez ce message : rien ne change.

mail-security-at = Quand
mail-security-device = Appareil
mail-security-network = Réseau
mail-security-not-you = Ce n’était pas vous ? Changez votre mot de passe maintenant, déconnectez tous vos appareils et écrivez-nous.
mail-security-button = Voir la sécurité de mon compte
mail-security-password-changed-subject = Votre mot de passe a changé
mail-security-password-changed-text = Le mot de passe de votre compte chez { $company } vient d’être changé. Tous les autres appareils ont été déconnectés.
mail-security-password-reset-subject = Votre mot de passe a été remplacé
mail-security-password-reset-text = Un nouveau mot de passe a été choisi avec le lien que nous vous avions envoyé. Tous les appareils ont été déconnectés.
mail-security-totp-enabled-subject = Application d’authentification ajoutée
mail-security-totp-enabled-text = Une application d’authentification protège maintenant votre compte : la connexion demande aussi son code. Gardez vos codes de secours en lieu sûr.
mail-security-totp-disabled-subject = Application d’authentification retirée
mail-security-totp-disabled-text = L’application d’authentification a été retirée de votre compte, et avec elle le téléphone et les codes de secours. Votre mot de passe suffit désormais pour vous connecter.
mail-security-sms-enabled-subject = Téléphone ajouté
mail-security-sms-enabled-text = Un téléphone a été ajouté à votre compte : il peut recevoir des codes de connexion par SMS.
mail-security-sms-disabled-subject = Téléphone retiré
mail-security-sms-disabled-text = Le téléphone a été retiré de votre compte : il ne reçoit plus de codes de connexion.
mail-security-recovery-codes-replaced-subject = Nouveaux codes de secours
mail-security-recovery-codes-replaced-text = De nouveaux codes de secours ont été créés pour votre compte. Les anciens ne servent plus.
mail-security-recovery-code-used-subject = Un code de secours a servi
mail-security-recovery-code-used-text = Un code de secours de votre compte vient d’être utilisé. Il ne servira plus ; pensez à en créer de nouveaux s’il vous en reste peu.
mail-security-new-device-subject = Connexion depuis un nouvel appareil
mail-security-new-device-text = Une connexion à votre compte chez { $company } vient d’avoir lieu depuis un appareil que nous ne connaissions pas.
mail-security-session-stolen-subject = Une session suspecte a été fermée
mail-security-session-stolen-text = Une session de votre compte a peut-être été copiée : nous l’avons fermée. Par prudence, changez votre mot de passe et déconnectez tous vos appareils. Si vous ne pouvez plus vous connecter, écrivez-nous.
mail-security-under-attack-subject = Des essais de mot de passe sur votre compte
mail-security-under-attack-text = Quelqu’un essaie des mots de passe sur votre compte, sans succès. Nous le faisons attendre de plus en plus longtemps ; depuis vos appareils habituels, vous entrez toujours. Si c’est vous qui cherchez le vôtre, demandez un nouveau mot de passe.
mail-security-codes-tried-subject = Quelqu’un connaît votre mot de passe
mail-security-codes-tried-text = Quelqu’un a donné le bon mot de passe de votre compte chez { $company }, puis plusieurs codes de connexion faux. Votre second facteur ne l’a pas laissé entrer.
mail-security-account-frozen-subject = Votre compte est gelé
mail-security-account-frozen-text = Votre compte chez { $company } est gelé le temps d’une vérification : personne ne peut s’y connecter. Rien n’est effacé. Écrivez-nous pour le rouvrir.
mail-security-account-unfrozen-subject = Votre compte est rouvert
mail-security-account-unfrozen-text = Votre compte chez { $company } n’est plus gelé : vous pouvez vous connecter. Merci de votre patience.
mail-security-api-key-created-subject = Une clé d’accès a été créée
mail-security-api-key-created-text = Une clé qui ouvre votre compte à un programme vient d’être créée. Vous pouvez la retirer à tout moment.
mail-security-erasure-requested-subject = Votre compte sera effacé
mail-security-erasure-requested-text = Votre compte chez { $company } sera effacé dans 7 jours, et votre accès avec lui. D’ici là, vous pouvez changer d’avis d’un clic.
mail-security-erasure-cancelled-subject = Votre compte est conservé
mail-security-erasure-cancelled-text = Votre compte chez { $company } ne sera pas effacé. Tout reste comme avant ; nous sommes heureux de vous garder parmi nous.

mail-key-ending-subject = Une de vos clés d’accès expire bientôt
mail-key-ending-text = Cette clé ouvre votre compte à un programme. Créez-en une autre et remplacez-la avant cette date : ensuite, elle sera refusée.
mail-key-ending-name = Clé
mail-key-ending-end = Valable jusqu’au

mail-erased-subject = Votre compte est effacé
mail-erased-text = Votre compte chez { $company } est effacé : votre adresse, votre mot de passe et ce qui vous reliait à nous n’existent plus. Vos paiements sont conservés sous pseudonyme, comme la loi le demande. Merci d’avoir été avec nous.
mail-erased-button = Aller à l’accueil
mail-erased-why = Vous recevez ce message, le dernier, parce que cette adresse avait un compte chez { $company }.

mail-alert-subject = Alerte : { $title }
mail-alert-since = Constaté le
mail-alert-condition = Alerte
mail-alert-action = Que faire : { $action }
mail-alert-button = Ouvrir l’alerte
mail-alert-why = Alerte de votre installation Calmness, envoyée à l’adresse de l’entreprise. Elle ne se répète pas tant que la condition dure.

alert-other-title = Quelque chose demande votre attention
alert-other-action = Lisez les détails ci-dessous, puis le journal du service autour de cet instant.
alert-webhook_quarantined-title = Un avis de paiement contredit notre devis
alert-webhook_quarantined-action = Rien n’a été accordé. Comparez le paiement avec le compte du prestataire, puis rejouez l’avis ou remboursez.
alert-webhook_signature-title = Des avis de paiement mal signés arrivent
alert-webhook_signature-action = Vérifiez le secret du prestataire des deux côtés. S’il est juste, quelqu’un essaie de forger des avis : ils sont refusés.
alert-work_overdue-title = Du travail dû prend du retard
alert-work_overdue-action = Vérifiez qu’un worker tourne et que le service nommé ci-dessous répond. Le travail reprend seul dès que c’est possible.
alert-provider_unreachable-title = Un prestataire de paiement ne répond pas
alert-provider_unreachable-action = Les paiements en cours seront éclaircis dès son retour. Consultez sa page d’état.
alert-telegram_unreachable-title = Telegram ne répond pas
alert-telegram_unreachable-action = Les entrées et les retraits attendent et se feront au retour. Vérifiez le jeton du robot et le réseau.
alert-telegram_rights-title = Le robot n’a pas les droits nécessaires dans le canal
alert-telegram_rights-action = Rendez-le administrateur avec les droits d’inviter et de bannir, puis vérifiez avec « calmness doctor ».
alert-mail_undelivered-title = Des e-mails ne partent pas
alert-mail_undelivered-action = Vérifiez le serveur SMTP et ses identifiants. Les messages dus partiront au retour.
alert-settled_late-title = Un paiement est arrivé après son échec ou son expiration
alert-settled_late-action = Il a été accordé. Vérifiez que la personne n’a pas aussi payé une seconde fois.
alert-payment_disputed-title = Un paiement est contesté
alert-payment_disputed-action = Le temps non utilisé est mis de côté. Répondez chez le prestataire avant son délai.
alert-audit_unsealed-title = Le scellement du journal d’audit prend du retard
alert-audit_unsealed-action = Vérifiez la base de données et qu’un worker tourne.
alert-audit_broken-title = Le journal d’audit a été modifié
alert-audit_broken-action = Lancez « calmness audit verify » : la commande nomme chaque entrée. Gardez la base et les ancres en l’état, et cherchez qui y avait accès.
alert-invariant_broken-title = Un invariant est rompu
alert-invariant_broken-action = Lancez « calmness doctor » : il nomme l’invariant et les lignes en cause.
alert-refund_failed-title = Un remboursement n’a pas pu être envoyé
alert-refund_failed-action = Lisez ci-dessous la raison du prestataire. Si la somme reste due, envoyez-la autrement et enregistrez-le : le payeur garde son temps tant que l’argent n’est pas reparti.
alert-key_backend_away-title = Le service de clés ne répond plus
alert-key_backend_away-action = Le produit continue avec les clés en mémoire, un jour au plus ; un redémarrage échouerait. Lisez ci-dessous ce que répond le service, puis vérifiez qu’il est ouvert, joignable et que ses droits sont en place. « calmness keys status » dit quand il est revenu.
alert-backup_failed-title = Une sauvegarde n’a pas pu être faite
alert-backup_failed-action = Lisez la raison ci-dessous : souvent le disque est plein ou « pg_dump » manque. Corrigez-la, puis lancez « calmness backup create » ; sinon un nouvel essai a lieu toutes les heures.
alert-backup_old-title = La dernière sauvegarde a plus de 48 heures
alert-backup_old-action = Vérifiez le dossier des sauvegardes et le journal du service, puis lancez « calmness backup create ». D’ici là, une panne de disque perdrait tout ce qui est plus récent.
alert-account_frozen-title = Une règle a gelé un compte
alert-account_frozen-action = Lisez la raison ci-dessous et vérifiez avec la personne, puis levez le gel ou confirmez-le. D’ici là, elle ne peut pas se connecter, mais son temps et son accès au canal continuent.
alert-removals_held-title = Des retraits attendent votre décision
alert-removals_held-action = Rien ne les annonçait, et ils sont trop nombreux pour une heure. Vérifiez ce qui s’est passé (remboursements, gels, identifiant du canal, horloge), puis lancez « calmness removals list » et confirmez ou refusez. D’ici là, ces personnes restent dans le canal.

## Robot Telegram

bot-linked-invite = C’est fait : votre compte est relié.
    Votre invitation personnelle : { $link }
    Ouvrez-la et demandez à entrer. La porte s’ouvre dans la minute, pour vous seul.
bot-linked-no-access = C’est fait : votre compte est relié.
    Vous n’avez pas d’accès en cours. Choisissez une durée ici : { $link }
bot-link-invalid = Ce lien a expiré ou a déjà servi.
    Créez-en un autre depuis votre page : { $link }
bot-help = Bonjour. Je garde la porte du canal.
    Pour entrer, reliez votre compte depuis votre page : { $link }
bot-removed = Votre accès est terminé et je vous ai retiré du canal.
    Vous pouvez revenir quand vous voulez : { $link }
bot-opened = Votre accès est ouvert jusqu’au { $end }.
    Votre invitation personnelle : { $link }

## SMS

sms-code = { $code } est votre code { $company }, valable 10 minutes. Ne le donnez jamais à personne, pas à nous non plus.

## Pages de sécurité du compte

frame-security = Sécurité

login-forgot = Mot de passe oublié ?
login-code-title = Encore une étape
login-code-lead = Votre mot de passe est juste. Montrez maintenant que c’est bien vous.
login-code-submit = Se connecter
login-code-other = Utiliser un autre compte
code-app = Code de l’application
code-app-hint = Les six chiffres que votre application d’authentification affiche en ce moment.
code-phone = Code reçu par SMS
code-phone-hint = Demandez un code, puis recopiez les chiffres reçus sur votre téléphone.
code-recovery = Code de secours
code-recovery-hint = L’un de ceux que vous avez gardés. Chacun ne sert qu’une fois.
code-send = Envoyer un code par SMS
code-other-ways = Autres moyens
code-use-app = Utiliser l’application d’authentification
code-use-phone = Recevoir un code par SMS
code-use-recovery = Utiliser un code de secours
code-wrong = Ce code n’est pas le bon, a déjà servi ou n’est plus valable.
code-required = Un code est nécessaire aussi.
code-ended = Ce code n’est plus attendu. Demandez-en un autre.
proof-password = Votre mot de passe actuel
proof-wrong-password = Ce n’est pas votre mot de passe actuel.

forgot-title = Mot de passe oublié
forgot-lead = Indiquez l’adresse de votre compte. Nous y envoyons un lien pour choisir un autre mot de passe.
forgot-submit = Recevoir le lien
mail-sent-forgot = Si { $email } a un compte, un lien pour choisir un autre mot de passe vient de partir. Il est valable 10 minutes.
reset-title = Choisir un nouveau mot de passe
reset-lead = Ensuite, tous vos appareils seront déconnectés et vous vous connecterez avec le nouveau.
reset-hint = Au moins { $minimum } caractères, ou { $shorter } si votre compte a une application d’authentification. Une courte phrase est facile à retenir.
reset-submit = Enregistrer le mot de passe
reset-ended = Ce lien a déjà servi ou a expiré : il n’est valable que 10 minutes.
reset-again = Recevoir un nouveau lien
field-password-new = Nouveau mot de passe
strength-short = Caractères encore nécessaires : §
strength-obvious = Trop facile à deviner : des répétitions ou une suite.
strength-good = Bon mot de passe.
strength-strong = Excellent mot de passe.

security-title = Sécurité
security-lead = Ce qui protège votre compte, et où il est ouvert.
security-login = Connexion
security-where = Où votre compte est ouvert
security-on = Activé
security-off = Désactivé
security-password = Mot de passe
security-password-text = Changez-le si quelqu’un d’autre a pu le voir.
security-app = Application d’authentification
security-app-text = Un code de votre téléphone en plus du mot de passe. C’est la meilleure protection.
security-app-since = Depuis le { $date }
security-phone = Codes par SMS
security-phone-text = Un second moyen, pour quand l’application manque.
security-phone-to = Vers { $phone }
security-codes = Codes de secours
security-codes-text = Pour entrer si le téléphone est perdu.
security-devices-text = Les navigateurs et programmes connectés à votre compte.
security-keys-text = Pour que vos programmes agissent en votre nom.
security-data = Emporter ou effacer
security-data-text = Téléchargez tout ce que nous gardons sur vous, ou quittez-nous.
security-nothing-waits = Il n’y a rien à confirmer, ou cela a pris trop de temps. Recommencez depuis le début.
copy = Copier
copy-done = Copié
print = Imprimer

password-title = Changer de mot de passe
password-lead = Tous vos autres appareils seront déconnectés. Celui‑ci reste connecté.
password-submit = Changer le mot de passe

app-title = Activer une application d’authentification
app-lead = À chaque connexion, l’application de votre téléphone donne un code. Sans lui, un mot de passe volé ne suffit plus.
app-which = Toutes les applications habituelles conviennent : Aegis, Google Authenticator, Microsoft Authenticator, 1Password…
app-move-title = Changer d’application ou de téléphone
app-move-lead = Le nouveau code remplace l’ancien dès que vous l’aurez confirmé. Vos codes de secours restent les mêmes.
app-continue = Continuer
app-scan-title = Reliez votre application
app-scan-lead = Scannez cette image avec l’application, puis tapez le code qu’elle affiche.
app-scanned = Votre application connaît déjà ce compte : tapez le code qu’elle affiche maintenant.
app-secret = Pas d’appareil photo ? Tapez cette clé dans l’application :
app-open = Ouvrir dans l’application de ce téléphone
app-confirm = Activer
app-again = Montrer une nouvelle image
app-remove-title = Retirer l’application
app-remove-lead = Votre mot de passe seul ouvrira de nouveau votre compte. Les codes par SMS et les codes de secours disparaissent aussi.
app-remove = Retirer l’application
app-remove-password-short = Sans l’application, ce mot de passe serait trop court. Changez-le d’abord pour un autre d’au moins 15 caractères.

codes-title = Codes de secours
codes-lead = Un code de secours ouvre votre compte quand le téléphone est perdu.
codes-left = { $count ->
    [0] Aucun restant
    [one] { $count } restant
   *[other] { $count } restants
}
codes-renew-lead = Dix nouveaux codes remplacent tous les précédents.
codes-renew = Créer dix nouveaux codes
codes-app-is-new = L’application est activée. Une dernière chose, et c’est fini.
codes-keep-title = Gardez ces codes de secours
codes-keep-lead = Si vous perdez votre téléphone, chacun d’eux vous ouvre la porte une fois.
codes-once = Ils ne seront plus jamais montrés. Imprimez-les ou mettez-les dans un gestionnaire de mots de passe, pas sur le téléphone lui-même.
codes-kept = Je les ai gardés

phone-lead = Nous envoyons un code par SMS quand l’application n’est pas à portée de main. C’est moins sûr que l’application : un numéro peut être détourné.
phone-needs-app = Activez d’abord une application d’authentification : le SMS ne vient qu’en plus.
phone-on = Les codes partent vers { $phone }.
phone-other = Utiliser un autre numéro
phone-number = Numéro de téléphone
phone-hint = Avec l’indicatif du pays, par exemple +229 01 90 00 00 00.
phone-invalid = Un numéro commence par + et l’indicatif du pays.
phone-unavailable = Aucun message ne peut partir vers ce téléphone pour le moment. Choisissez un autre moyen, ou réessayez demain.
phone-confirm-title = Confirmer le numéro
phone-confirm-lead = Recopiez le code que nous venons d’envoyer à ce téléphone.
phone-confirm = Confirmer
phone-again = Utiliser un autre numéro ou renvoyer le code
phone-remove-title = Retirer ce numéro
phone-remove-lead = Aucun code ne partira plus vers ce téléphone. L’application d’authentification reste.
phone-remove = Retirer le numéro

devices-title = Appareils connectés
devices-lead = Vous ne reconnaissez pas l’un d’eux ? Déconnectez‑le, puis changez de mot de passe.
devices-end-others = Déconnecter tous les autres
devices-end-all = Tout déconnecter, ici aussi
devices-hint = Une déconnexion prend effet aussitôt.
device-on = { $name } { $system ->
    [Android] sur
    [iPhone] sur
    [iPad] sur
   *[other] sous
} { $system }
device-some-browser = Un navigateur
device-some-program = Un programme
device-network = Réseau { $network }
device-here = Cet appareil
device-now = Utilisé en ce moment
device-last-used = Dernière utilisation le { $date }
device-since = Connecté le { $date }
device-second-factor = avec un code

keys-title = Clés d’API
keys-lead = Une clé laisse un programme agir en votre nom, dans les limites que vous choisissez.
keys-empty = Aucune clé pour le moment.
keys-new = Créer une clé
keys-new-lead = Ne donnez que les droits nécessaires. Aucune clé ne peut changer votre mot de passe ni en créer d’autres.
keys-full = Vous avez autant de clés que possible. Révoquez-en une pour en créer une autre.
keys-scope-refused = Choisissez au moins un droit, parmi ceux de la liste.
keys-refused = Un nom de 1 à 100 caractères est nécessaire, et 20 clés au plus peuvent vivre ensemble.
key-name = Nom
key-name-hint = Pour la reconnaître, par exemple « serveur de suivi ».
key-scopes = Ce qu’elle peut faire
key-days = Durée de vie
key-ends = Expire le { $date }
key-unused = Jamais utilisée
key-end = Révoquer
key-made-title = Votre nouvelle clé
key-made-lead = Copiez « { $name } » maintenant : elle ne sera plus jamais montrée.
key-made-how = Envoyez-la dans l’en-tête Authorization, après Bearer.
key-made-done = Je l’ai copiée
key-scope-profile-read = Lire votre compte
key-scope-profile-write = Changer votre langue
key-scope-payments-read = Lire vos paiements
key-scope-payments-write = Ouvrir des paiements
key-scope-subscriptions-read = Lire vos accès
key-scope-telegram-read = Lire votre lien avec Telegram
key-scope-telegram-write = Relier et délier Telegram
key-scope-payments-inspect = Voir les paiements de tous
key-scope-users-read = Lire les comptes des autres
key-scope-subscriptions-inspect = Voir les accès de tous
key-scope-alerts-read = Voir les alertes
key-scope-audit-read = Lire le journal d’audit
key-scope-stats-read = Voir la marche des affaires

data-title = Vos données
data-export-title = Emporter mes données
data-export-text = Un fichier JSON avec votre compte, vos paiements, vos accès, vos appareils et ce qui s’est passé. Aucun secret n’y figure.
data-export = Télécharger mes données
data-erase-title = Effacer mon compte
data-erase-lead = Vous perdrez votre accès au canal et le temps qui reste. Rien n’est remboursé.
data-erase-after = L’effacement a lieu 7 jours après la demande. D’ici là, vous pouvez changer d’avis en vous connectant.
data-erase-stays = Ce qui reste : les écritures de paiement et le journal de sécurité que la loi et les comptes demandent, sous un numéro, sans votre adresse.
data-erase = Effacer mon compte
data-erased-on = Votre compte sera effacé le { $date }.
data-keep = Garder mon compte
data-last-admin = Le dernier administrateur ne peut pas être effacé.

flash-code-sent = Un code vient de partir vers votre téléphone.
flash-code-unsent = Aucun message ne peut partir vers ce téléphone pour le moment. Choisissez un autre moyen.
flash-code-ended = Cette étape est terminée : trop de temps ou trop d’essais. Reconnectez-vous.
flash-password-reset = Votre mot de passe est changé. Connectez-vous avec le nouveau.
flash-password-changed = Votre mot de passe est changé. Vos autres appareils sont déconnectés.
flash-app-moved = Votre nouvelle application est en place.
flash-app-removed = L’application d’authentification est retirée.
flash-phone-added = Ce téléphone recevra vos codes.
flash-phone-removed = Ce numéro est retiré.
flash-device-ended = Cet appareil est déconnecté.
flash-others-ended = Tous les autres appareils sont déconnectés.
flash-all-ended = Tous vos appareils sont déconnectés.
flash-key-ended = Cette clé ne vaut plus rien.
flash-erasure-asked = Votre demande est enregistrée.
flash-erasure-kept = Votre compte reste.

## Urgences : ce que chaque administrateur apprend

mail-incident-sessions-revoked-subject = Toutes les sessions ont été fermées
mail-incident-sessions-revoked-text = Toutes les sessions ont été fermées, celles des clients comme celles de l’équipe : chacun se reconnecte. Les paiements, les abonnements et les accès continuent.
mail-incident-keys-rotated-subject = Les clés ont été remplacées en urgence
mail-incident-keys-rotated-text = De nouvelles clés sont en service. Ce qui reste à renouveler chez les prestataires de paiement et sur la machine figure dans la réponse de la commande.
mail-incident-purchases-paused-subject = Les achats sont suspendus
mail-incident-purchases-paused-text = Aucun nouveau paiement ne peut être ouvert. Ceux en cours sont menés à terme et les accès continuent.
mail-incident-purchases-resumed-subject = Les achats sont rouverts
mail-incident-purchases-resumed-text = La suspension est levée : les clients peuvent de nouveau acheter.
mail-incident-account-frozen-subject = Un compte a été gelé
mail-incident-account-frozen-text = Un compte a été gelé en urgence : ni connexion, ni paiement, ni accès jusqu’au dégel.
mail-incident-webhooks-replayed-subject = Des avis de paiement ont été traités de nouveau
mail-incident-webhooks-replayed-text = Les avis de paiement conservés d’une période ont été traités de nouveau. Aucun ne compte deux fois.
mail-incident-evidence-exported-subject = Des preuves ont été exportées
mail-incident-evidence-exported-text = Une archive signée contenant des entrées du journal d’audit, des paiements et des avis de paiement a été créée. Elle contient des données personnelles.
mail-incident-at = Le
mail-incident-by = Par
mail-incident-by-operator = l’exploitant, sur la machine
mail-incident-reason = Motif
mail-incident-not-planned = Si personne de l’équipe n’est à l’origine de cette action, suivez tout de suite la procédure « stolen admin ».
mail-incident-button = Ouvrir Calmness
mail-incident-why = Vous recevez ce courriel parce que vous êtes administrateur de { $company }.

alert-incident_act-title = L’équipe est intervenue en urgence
alert-incident_act-action = Vérifiez que c’était prévu. Sinon, suivez tout de suite la procédure « stolen admin ».

error-purchases_paused-title = Achats suspendus
error-purchases_paused-detail = Les nouveaux achats sont suspendus pour un moment. Rien n’a été débité. Votre accès et vos paiements en cours continuent ; revenez un peu plus tard.

plans-paused = Les nouveaux achats sont suspendus pour un moment. Votre accès et vos paiements en cours continuent ; revenez un peu plus tard.
## Deuxièmes confirmations

approval-other = Changement sensible
approval-role = Changement de rôle
approval-freeze_admin = Gel d’un administrateur
approval-setting_set = Changement d’un réglage
approval-setting_delete = Suppression d’un réglage
approval-plan_prices = Baisse importante d’un prix
mail-approval-asked-subject = À confirmer : { $title }
mail-approval-asked-text = Un changement sensible attend une deuxième confirmation. Rien n’est encore fait.
mail-approval-done-subject = Confirmé : { $title }
mail-approval-done-text = Ce changement sensible a été confirmé et fait.
mail-approval-what = Changement
mail-approval-subject = Concerne
mail-approval-by = Demandé par
mail-approval-nobody = l’installation elle-même
mail-approval-reason = Raison
mail-approval-until = À confirmer avant le
mail-approval-nothing = rien
mail-approval-not-you = Ce changement vous surprend ? Rejetez-le, puis gelez le compte de la personne qui l’a demandé et prévenez les autres administrateurs.
mail-approval-button = Ouvrir mon accès
mail-approval-why = Vous recevez ce message parce que vous êtes administrateur chez { $company }.

error-approval_needed-title = Deuxième confirmation nécessaire
error-approval_needed-detail = Ce changement attend la confirmation d’un autre administrateur.
error-another_admin_needed-title = À confirmer par quelqu’un d’autre
error-another_admin_needed-detail = Un autre administrateur doit confirmer ce changement, ou l’exploitant sur la machine.
error-approval_decided-title = Déjà décidé
error-approval_decided-detail = Cette demande a déjà été confirmée ou rejetée.
error-approval_expired-title = Délai dépassé
error-approval_expired-detail = Cette demande n’a pas été confirmée à temps. Faites-en une nouvelle.
error-approval_stale-title = État dépassé
error-approval_stale-detail = Ce qui devait changer a changé entre-temps. Regardez l’état actuel, puis faites une nouvelle demande.
error-approval_differs-title = À relire
error-approval_differs-detail = L’empreinte donnée n’est pas celle de ce qui va changer. Relisez la demande, puis confirmez son empreinte.
error-too_many_approvals-title = Trop de demandes en attente
error-too_many_approvals-detail = Décidez d’abord de quelques demandes en attente.

error-setting_read_only-title = Réglage en lecture seule
error-setting_read_only-detail = La configuration donne cette valeur, et elle l’emporte sur un réglage.
error-nothing_to_change-title = Rien à changer
error-nothing_to_change-detail = Il n’y a ici aucune valeur à supprimer, à rétablir ou à annuler.
mail-setting-changed-subject = Un réglage sensible a changé
mail-setting-changed-text = Cette valeur est en vigueur dès maintenant.
mail-setting-cooling-subject = Une adresse de réception va changer
mail-setting-cooling-text = Cette adresse a été confirmée, mais l’argent n’y ira qu’après le délai de sécurité. D’ici là, chaque administrateur peut l’annuler.
mail-setting-activated-subject = Une adresse de réception a changé
mail-setting-activated-text = Le délai de sécurité est passé : les nouveaux paiements iront à cette adresse. Les devis déjà donnés gardent la leur.
mail-setting-cancelled-subject = Une adresse de réception ne changera pas
mail-setting-cancelled-text = Ce changement a été annulé pendant son délai de sécurité.
mail-setting-from = En vigueur le
mail-setting-not-you = Ce changement vous surprend ? Prévenez les autres administrateurs, annulez-le ou rétablissez la valeur précédente.
approval-remove_members = Retrait de membres que rien n’annonçait
