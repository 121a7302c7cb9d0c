# Every sentence that a person reads, in English. The French file has the same keys with the same variables;
# a test holds the two together.

## Numbers, dates, durations

month-1 = January
month-2 = February
month-3 = March
month-4 = April
month-5 = May
month-6 = June
month-7 = July
month-8 = August
month-9 = September
month-10 = October
month-11 = November
month-12 = December
date = { $day } { $month } { $year }
instant = { $date }, { $time } UTC
duration-days = { $count } { $count ->
    [one] day
   *[other] days
}
duration-hours = { $count } h
duration-minutes = { $count } min
duration-moment = less than a minute
unit-day = day
unit-days = days
unit-hours = h
unit-minutes = min
unit-seconds = s

## What is sold

plan-signaux-weekly = 1 week
plan-signaux-monthly = 1 month
plan-signaux-quarterly = 3 months
plan-signaux-yearly = 1 year
plan-other = Access for { $days } { $days ->
    [one] day
   *[other] days
}
plan-length = { $days } { $days ->
    [one] day of access
   *[other] days of access
}
way-test = test, no real money
provider-stripe = Bank card
provider-paypal = PayPal
provider-mtn_momo = MTN Mobile Money
provider-fedapay = FedaPay
provider-btcpay = Bitcoin
provider-bank_transfer = Bank transfer
provider-crypto_address = Cryptocurrency
provider-hmac_psp = Online payment
currency-xof = West Africa
currency-xaf = Central Africa

## The frame of every page

frame-skip = Skip to content
frame-nav = Main navigation
frame-log-in = Log in
frame-sign-up = Create account
frame-dashboard = My access
frame-account = My account
frame-log-out = Log out
frame-language = Lire cette page en français
frame-language-short = Français
frame-sandbox = Sandbox: no real money
frame-contact = Write to us
frame-api = API documentation

## Home

home-title = Access to the signal channel
home-heading = Signals, for exactly as long as you choose
home-lead = Pick a duration, pay once, and our Telegram channel opens within a minute. Nothing renews by itself.
home-choose = See the plans
home-have-account = I have an account
home-fact-1 = No automatic charges
home-fact-1-text = A renewal is a purchase you decide on, never a surprise.
home-fact-2 = Renewing early costs nothing
home-fact-2-text = New time is added after the time you have. Not a second is lost.
home-fact-3 = Told 48 hours ahead
home-fact-3-text = A mail reminds you before your access ends, early enough to decide.
home-plans = Choose how long
home-plans-lead = The same channel, the same content. Only the duration differs.
home-plans-empty = Nothing is on sale at the moment. Please come back soon.
home-plan-choose = Choose
home-plan-choose-label = Choose { $plan }
home-price-or = or
home-how = How it works
home-step-1 = Create your account
home-step-1-text = An e-mail address and a password. One click confirms the address.
home-step-2 = Pay for the time you chose
home-step-2-text = You pay on the payment service’s own page: we never see your card.
home-step-3 = Join the channel
home-step-3-text = Link Telegram and open your personal invitation: the door opens for you alone.

## Sign up

signup-title = Create your account
signup-lead = It takes two minutes; then you choose how long.
signup-submit = Create my account
signup-have-account = Already have an account?
field-email = E-mail address
field-password = Password
field-password-show = Show
field-password-hide = Hide
field-password-hint = At least { $minimum } characters. A short sentence is easy to remember.

mail-sent-title = Check your mail
mail-sent-signup = We have just written to { $email }. Follow the link in that message: it is valid for 24 hours.
mail-sent-resend = If a registration is waiting for { $email }, a new link has just been sent. It is valid for 24 hours.
mail-sent-hint = Nothing after a few minutes? Look in the spam folder, or ask for a new link.
mail-sent-again = Ask for a new link
mail-sent-other = Use another address

verify-title = Confirm your address
verify-lead = Enter the password you chose when you signed up: it proves that this is you.
verify-submit = Confirm my address
verify-failed = This link and this password do not belong together, or the link has been used or has expired (24 hours).

resend-title = Get a new link
resend-lead = Enter the address you signed up with. If it is waiting for confirmation, a link is sent at once.
resend-submit = Send the link

## Log in

login-title = Log in
login-submit = Log in
login-no-account = No account yet?
login-refused = This address and password do not open an account. If your address is not confirmed yet, have the link sent again.
login-resend = Send the confirmation link again
login-too-many = Too many attempts. Try again in { $wait }.
login-busy = We are busy right now. Try again in a few seconds.

## My access

dashboard-title = My access
access-none = No access yet
access-none-text = Choose a duration below. Your time starts when the payment is confirmed.
access-active = Access active
access-suspended = Access suspended
access-kept = Time set aside: { $kept }
access-suspended-text = A payment is disputed or a check is under way. Meanwhile this time does not run.
access-ended = Access ended
access-ended-text = Your access ended on { $end }. You can come back whenever you like.
access-ends = Ends on { $end }
access-left = You have { $left } left
access-left-loaded = Time left when this page was loaded.
access-closing-two-days = Two days left.
access-closing-under-two-days = Less than two days left.
access-closing-one-day = One day left.
access-closing-under-one-day = Less than one day left.
access-closing-under-one-hour = Less than one hour left.
access-closing = Renew whenever you like: new time is added at the end, nothing is lost.
access-renew = Renew
access-choose = Choose a duration
access-channel = Channel { $channel }
access-plan = Plan { $plan }

plans-buy-title = Choose how long
plans-renew-title = Add time
plans-renew-lead = New time starts when your current time ends.
plans-buy-lead = One payment, no automatic renewal.
plans-offer = How to pay
plans-buy = Pay
plans-buy-label = Pay for { $plan }
plans-unavailable = No way to pay is available at the moment.

payments-title = Payments
payments-empty = Your payments will appear here.
payments-more = See older payments
payments-open = Details of the payment of { $date }

telegram-title = Telegram
telegram-off = The channel is not open yet. Your paid time is kept; we will tell you by mail.
telegram-unlinked = Link your Telegram account so that the channel recognises you.
telegram-link = Link Telegram
telegram-ready = Open the link in Telegram and press “Start”. It works once, until { $end }.
telegram-open = Open Telegram
telegram-refresh = I pressed “Start”
telegram-new-link = Make another link
telegram-linked-as = Linked as { $account }
telegram-since = since { $date }
telegram-no-access = The channel opens as soon as you have running access.
telegram-preparing = Your invitation is being prepared. It appears here within a minute.
telegram-invite = Your personal invitation is ready: ask to join and the door opens within a minute.
telegram-join = Join the channel
telegram-inside = You are in the channel.
telegram-withheld = Access to the channel is withheld. Write to us to learn more.
telegram-unlink = Unlink this account

## Payment

payment-title = Payment
payment-back = My access
payment-where = Where is my money?
payment-plan = Plan
payment-amount = Amount
payment-provider = Paid with
payment-created = Requested on
payment-reference = Reference
payment-continue = Continue to payment
plans-phone = Mobile Money number
plans-phone-hint = Only for Mobile Money: you approve the payment on this phone.
instructions-account-holder = Account holder
instructions-iban = IBAN
instructions-bic = BIC
instructions-bank = Bank
instructions-exact-amount = Exact amount
instructions-transfer-reference = Reference to write
instructions-network = Network
instructions-address = Address
instructions-phone = Approve the request on
receipt-title = Receipt
receipt-seller = Seller
receipt-customer = Customer
receipt-number = Number
receipt-paid-at = Paid on
receipt-refunded = Sent back
receipt-transaction = Transaction
receipt-test = Test: no real money moved. This receipt is worth nothing.
receipt-verify = This receipt is signed. Anybody can verify it without us, with the key published at
receipt-signature = Signed receipt
payment-receipt = Receipt
payment-instructions = How to pay
payment-try-again = Choose again
payment-watching = This page updates by itself.
payment-status-pending = Pending
payment-status-under_review = Being checked
payment-status-succeeded = Paid
payment-status-failed = Refused
payment-status-expired = Expired
payment-status-refunded = Refunded
payment-status-partially_refunded = Partly refunded
payment-status-disputed = Disputed
payment-status-charged_back = Charged back
payment-step-created = Request recorded
payment-step-created-text = The price is fixed; nothing has been charged yet.
payment-step-opened = Payment page opened
payment-step-opened-text = The payment service is waiting for your payment.
payment-step-asking = Payment service asked
payment-step-asking-text = Its answer has not arrived. We keep asking; you will not pay twice.
payment-step-settled = Payment confirmed
payment-step-settled-text = The payment service confirmed that it has the money.
payment-step-access = Access time added
payment-step-access-text = Your access has been extended.
payment-step-review = We are checking this payment
payment-step-review-text = The payment service reports something else than your order, such as another amount. We are looking at it: either your access opens or the money goes back. You have nothing to do.
payment-step-failed = Payment refused
payment-step-failed-text = Nothing was charged. You can choose another way to pay.
payment-reason-other = The payment service refused this payment.
payment-reason-card_declined = The card was declined.
payment-reason-insufficient_funds = There was not enough money on the account.
payment-reason-expired_card = The card has expired.
payment-reason-authentication_failed = The bank could not confirm that it was you.
payment-reason-limit_exceeded = The amount is above the limit of the card or account.
payment-reason-cancelled = The payment was cancelled.
payment-step-expired = Out of time
payment-step-expired-text = The payment page was not used in time. Nothing was charged.
payment-step-refunded = Refund
payment-step-refunded-text = The money goes back the way it came; your bank may take a few days.
payment-step-disputed = Dispute opened
payment-step-disputed-text = The unused time is set aside until the bank has decided.
payment-step-charged_back = Dispute decided
payment-step-charged_back-text = The bank returned the money. The unused time of this payment is withdrawn.

checkout-title = To the payment page
checkout-lead = You are about to pay { $amount } on our payment service’s page.
checkout-hint = If nothing happens, use the button.

return-title = Back from payment
return-checking = We are asking the payment service
return-checking-text = This usually takes a few seconds. You may also close this page: nothing gets lost.
return-paid = Thank you, it is paid
return-paid-text = Your access runs until { $end }.
return-review = We are checking this payment
return-failed = The payment did not go through
return-failed-text = Nothing was charged. You can try again or choose another way to pay.
return-expired = The payment page has expired
return-expired-text = Nothing was charged. You can start again whenever you like.
return-dashboard = Go to my access
return-details = Where is my money?

## Messages from one page to the next

flash-verified = Your address is confirmed. You can log in now.
flash-logged-out = You are logged out.
flash-session-ended = Your session has ended. Log in again to continue.
flash-unlinked = This Telegram account is no longer linked.
flash-payment-open = This payment is already under way: you can finish it.
flash-payment-refused = The payment could not be opened. Nothing was charged.

## Errors: a title and an explanation for each code

problem-request = Number to give us if you write:
problem-home = Back to the home page
problem-back = My access
error-not_found-title = Not found
error-not_found-detail = There is nothing at this address, or it is not yours.
error-method_not_allowed-title = Method not allowed
error-method_not_allowed-detail = This address does not accept this HTTP method.
error-unauthorized-title = Log-in needed
error-unauthorized-detail = The access token is missing, expired or not valid.
error-forbidden-title = Access denied
error-forbidden-detail = Your account is not allowed to do this.
error-csrf_failed-title = Outdated form
error-csrf_failed-detail = This form does not come from the open page, or the page was open for too long. Go back, reload the page and try again.
error-validation_failed-title = Invalid data
error-validation_failed-detail = Some fields can’t be accepted; the “errors” list says which and why.
error-malformed_body-title = Unreadable body
error-malformed_body-detail = The body of the request is not a readable JSON document.
error-unsupported_media_type-title = Content type not accepted
error-unsupported_media_type-detail = Send the body as application/json.
error-payload_too_large-title = Body too large
error-payload_too_large-detail = The body of the request is larger than allowed.
error-uri_too_long-title = Address too long
error-uri_too_long-detail = The address or the headers are larger than allowed.
error-rate_limited-title = Too many requests
error-rate_limited-detail = You are going faster than allowed. Wait for the time given, then try again.
error-request_timeout-title = Out of time
error-request_timeout-detail = The request took too long. Try again.
error-idempotency_key_missing-title = Idempotency key missing
error-idempotency_key_missing-detail = Give the key exactly once: in the Idempotency-Key header or in the idempotency_key field.
error-idempotency_key_too_long-title = Idempotency key too long
error-idempotency_key_too_long-detail = The key has 1 to 255 visible ASCII characters.
error-idempotency_key_reused-title = Key already used otherwise
error-idempotency_key_reused-detail = This key was used before with other content. Take a new key for a new request.
error-idempotency_in_progress-title = Request under way
error-idempotency_in_progress-detail = The first request with this key is still being worked on. Try again in a few seconds with the same key.
error-plan_unknown-title = Unknown plan
error-plan_unknown-detail = This plan does not exist or is no longer sold.
error-provider_unknown-title = Unknown way to pay
error-provider_unknown-detail = This way to pay does not exist.
error-provider_unavailable-title = Way to pay unavailable
error-provider_unavailable-detail = This way to pay is not available at the moment. Choose another or try again later.
error-currency_required-title = Currency needed
error-currency_required-detail = Several prices fit: say in which currency.
error-currency_not_offered-title = Currency not offered
error-currency_not_offered-detail = This plan is not sold in this currency through this way to pay.
error-nothing_to_refund-title = Nothing to send back
error-nothing_to_refund-detail = No money came for this payment, or all of it has gone back.
error-not_confirmed_by_hand-title = Confirmed by its provider
error-not_confirmed_by_hand-detail = This payment is confirmed by its provider, not by hand.
error-transaction_already_used-title = Transfer already used
error-transaction_already_used-detail = This transfer has confirmed a payment already.
error-differs_from_quote-title = Differs from the quote
error-differs_from_quote-detail = What came differs from what was asked for. It is kept as a case: accept or reject it.
error-not_decidable-title = Not to be decided so
error-not_decidable-detail = This case was decided already, or cannot be accepted.
error-nothing_to_replay-title = Nothing to replay
error-nothing_to_replay-detail = This event states nothing that could be applied again.
error-body_forgotten-title = Body forgotten
error-body_forgotten-detail = The body of this event was forgotten when its time was over: it can’t be replayed any more.
error-method_comes_with_a_payment-title = Comes with a payment
error-method_comes_with_a_payment-detail = A way to pay through this provider is remembered with a payment, not given.
error-not_paid-title = Not paid
error-not_paid-detail = No money came for this payment, so there is no receipt.
error-payment_method_unknown-title = Unknown saved method
error-payment_method_unknown-detail = This saved payment method does not exist or is not yours.
error-invalid_credentials-title = Credentials refused
error-invalid_credentials-detail = This address and password do not open an account. If the address is not confirmed yet, ask for a new confirmation link.
error-token_invalid-title = Link not valid
error-token_invalid-detail = This link or token does not fit, has been used or has expired.
error-card_number_refused-title = Card number refused
error-card_number_refused-detail = A field looks like a card number. Never send card numbers here: you pay on the payment service’s page.
error-conflict-title = Conflict
error-conflict-detail = The state has changed in the meantime. Read it again, then retry.
error-signature_invalid-title = Signature refused
error-signature_invalid-detail = The signature is missing, does not match the received body or is too old.
error-step_up_required-title = Confirmation needed
error-step_up_required-detail = This action needs a fresh proof of who you are.
error-cursor_invalid-title = Cursor not valid
error-cursor_invalid-detail = This cursor does not come from an earlier list. Start again without one.
error-telegram_unavailable-title = Telegram unavailable
error-telegram_unavailable-detail = The Telegram channel is not configured or does not answer at the moment.
error-internal-title = Something went wrong on our side
error-internal-detail = Something did not work here. It has been recorded; try again in a moment.
error-service_unavailable-title = Unavailable for a moment
error-service_unavailable-detail = The service can’t answer right now. Try again in a moment.
error-code_invalid-title = Code refused
error-code_invalid-detail = This code is wrong, has been used or has expired. Wait for the next one, then try again.
error-challenge_ended-title = Code no longer expected
error-challenge_ended-detail = This code is not waited for any more: too many tries, or too much time. Start again from the beginning.
error-password_wrong-title = Password refused
error-password_wrong-detail = This is not the password of your account.
error-second_factor_required-title = Second factor needed
error-second_factor_required-detail = This action is only open after a login with a second factor. Set one up, or log in again with its code.
error-code_required-title = Code needed
error-code_required-detail = Your account has a second factor: give one of its codes too.
error-factor_not_trusted-title = Factor too recent
error-factor_not_trusted-detail = This second factor can’t confirm this action yet. Use an older one, or wait until 24 hours after it was added.
error-nothing_to_confirm-title = Nothing to confirm
error-nothing_to_confirm-detail = There is nothing here to confirm or to remove.
error-app_required-title = App needed
error-app_required-detail = Set up an authenticator app first, then your phone.
error-sms_unavailable-title = SMS unavailable
error-sms_unavailable-detail = No text message can be sent to this phone at the moment. Use your app or a recovery code.
error-scope_not_allowed-title = Scope not allowed
error-scope_not_allowed-detail = A key has at least one scope, never more than you have, and never those that guard accounts.
error-key_not_allowed-title = Key refused
error-key_not_allowed-detail = A key’s name has 1 to 100 characters, a key lives for 1 to 365 days, and an account has at most 20.
error-nothing_to_revoke-title = Nothing to take
error-nothing_to_revoke-detail = No time lies ahead that could be taken.
error-name_taken-title = Name taken
error-name_taken-detail = There is one of this name already. Choose another name.
error-stale-title = Changed meanwhile
error-stale-detail = Somebody has changed it since you read it. Read it again, then decide anew.
error-plan_sold-title = Plan sold already
error-plan_sold-detail = Somebody has this plan: its length and channel stay as they are. Make another plan instead.
error-already_acknowledged-title = Looked after already
error-already_acknowledged-detail = Somebody looks after this alert already.
error-last_admin-title = Last administrator
error-last_admin-detail = The last administrator can’t be frozen, demoted or erased. Appoint another one first.
error-not_yourself-title = Not on yourself
error-not_yourself-detail = This can’t be done to your own account.
error-insufficient_scope-title = Scope missing
error-insufficient_scope-detail = This token or key does not have the scope that this action needs.
error-too_many_tries-title = Too many tries
error-too_many_tries-detail = Too many tries failed in a row. Wait for the time given, then try again.

invalid-required = This field is needed.
invalid-unknown = There is none of this name.
invalid-unknown_field = This field does not exist.
invalid-wrong_type = This field has the wrong type.
invalid-not_allowed = This value is not allowed.
invalid-phone_number = A phone number is + and 8 to 15 digits, beginning with the country’s code.
invalid-out_of_range = This value is out of range.
invalid-too_long = This is too long.
invalid-too_short = This is too short.
invalid-email = This e-mail address is not valid.
invalid-password_too_short = The password is too short.
invalid-password_too_long = The password is too long.
invalid-password_too_common = This password is too common. A short sentence of your own is safer.
invalid-password_of_context = The password must not repeat your address or our name.
invalid-card_number = This looks like a card number: never send one here.
invalid-control_characters = This field has characters that are not allowed.
invalid-phone = Write the number with its country, such as +44 7700 900123.
invalid-reason = Give a reason, in 500 characters at most.
invalid-scope = There is no such scope.
invalid-method = The method is totp, sms or recovery_code.
invalid-code = This code does not have the right form.
invalid-days = Choose 1 to 365 days.
invalid-name = A name has 1 to 100 visible characters.
invalid-sha256 = Give a SHA-256 digest: 64 hexadecimal digits.

## Mails

mail-hello = Hello,
mail-footer-why = You receive this message because this address has an account with { $company }.
mail-footer-contact = A question? Write to { $contact }.
mail-link-hint = If the button does not work, copy this address into your browser:

mail-verification-subject = Confirm your e-mail address
mail-verification-heading = One more click
mail-verification-text = Confirm this address to open your account with { $company }. We will ask for the password you chose when you signed up.
mail-verification-button = Confirm my address
mail-verification-valid = This link is valid for 24 hours.
mail-verification-ignore = If it was not you, ignore this message: without the password of the registration nothing happens.
mail-verification-why = This address was given when signing up with { $company }.

mail-already-subject = You already have an account
mail-already-heading = You already have an account
mail-already-text = Somebody, probably you, has just asked for an account with { $company } for this address. There is one already: simply log in.
mail-already-button = Log in
mail-already-ignore = If it was not you, ignore this message: nothing has changed.

mail-paid-subject = Payment received: your access runs until { $date }
mail-paid-heading = Thank you, it is paid
mail-paid-text = Your payment is confirmed and your access time has been added.
mail-paid-plan = Plan
mail-paid-amount = Amount
mail-paid-end = Access until
mail-paid-reference = Reference
mail-paid-button = See my access
mail-paid-telegram-title = To enter the channel
mail-paid-telegram-1 = Open your access with the link above.
mail-paid-telegram-2 = Choose “Link Telegram”, then press “Start” in Telegram.
mail-paid-telegram-3 = The bot sends you your personal invitation.
mail-paid-linked = Your Telegram account is linked already: there is nothing else to do.

mail-reminder-subject = Your access ends on { $date }
mail-reminder-heading = Your access ends soon
mail-reminder-text = You have { $left } left: your access to the channel ends on { $end }.
mail-reminder-renew = Renew whenever you like: new time is added at the end, not a second is lost.
mail-reminder-button = Renew
mail-reminder-nothing = Do not want to continue? There is nothing to do: nothing will be charged.

mail-granted-subject = You have been given time
mail-granted-text = { $company } has added { $days } { $days ->
    [one] day
   *[other] days
} to your access to the channel. There is nothing to pay.

mail-revoked-subject = Time was taken from your access
mail-revoked-text = { $company } has withdrawn time from your access to the channel. Time that you have used is not touched.
mail-revoked-question = You do not know why? Answer at the address below, and we will look at it together.

mail-ended-subject = Your access has ended
mail-ended-heading = Your access has ended
mail-ended-text = Your access to the channel ended on { $end }. If your Telegram account was inside, it was taken out. Thank you for having been with us.
mail-ended-return = The door stays open: choose a duration, and you are back in moments.
mail-ended-button = Come back

mail-reset-subject = Choose a new password
mail-reset-heading = A new password
mail-reset-text = Somebody, probably you, has asked to change the password of your account with { $company }.
mail-reset-button = Choose my password
mail-reset-valid = This link is valid for 10 minutes and works once. If a second factor guards your account, it is still asked for when you log in.
mail-reset-ignore = If it was not you, ignore this message: nothing changes.

mail-security-at = When
mail-security-device = Device
mail-security-network = Network
mail-security-not-you = It was not you? Change your password now, log out all devices and write to us.
mail-security-button = See my account’s security
mail-security-password-changed-subject = Your password has changed
mail-security-password-changed-text = The password of your account with { $company } has just been changed. All other devices were logged out.
mail-security-password-reset-subject = Your password was replaced
mail-security-password-reset-text = A new password was chosen with the link that we had sent you. All devices were logged out.
mail-security-totp-enabled-subject = Authenticator app added
mail-security-totp-enabled-text = An authenticator app now guards your account: logging in asks for its code too. Keep your recovery codes in a safe place.
mail-security-totp-disabled-subject = Authenticator app removed
mail-security-totp-disabled-text = The authenticator app was removed from your account, and with it the phone and the recovery codes. From now on your password alone opens it.
mail-security-sms-enabled-subject = Phone added
mail-security-sms-enabled-text = A phone was added to your account: it can receive login codes by text message.
mail-security-sms-disabled-subject = Phone removed
mail-security-sms-disabled-text = The phone was removed from your account: it receives no more login codes.
mail-security-recovery-codes-replaced-subject = New recovery codes
mail-security-recovery-codes-replaced-text = New recovery codes were made for your account. The old ones no longer work.
mail-security-recovery-code-used-subject = A recovery code was used
mail-security-recovery-code-used-text = A recovery code of your account has just been used. It will not work again; make new ones if you have few left.
mail-security-new-device-subject = Login from a new device
mail-security-new-device-text = Somebody has just logged in to your account with { $company } from a device that we did not know.
mail-security-session-stolen-subject = A suspicious session was closed
mail-security-session-stolen-text = A session of your account may have been copied: we have closed it. To be safe, change your password and log out all devices. If you can’t log in any more, write to us.
mail-security-under-attack-subject = Somebody tries passwords on your account
mail-security-under-attack-text = Somebody is trying passwords on your account, without success. We make them wait longer and longer; your usual devices still get in. If it is you who forgot, ask for a new password.
mail-security-codes-tried-subject = Somebody knows your password
mail-security-codes-tried-text = Somebody gave the right password of your account with { $company }, and then wrong login codes, several times. Your second factor has kept them out.
mail-security-account-frozen-subject = Your account is frozen
mail-security-account-frozen-text = Your account with { $company } is frozen while we check something: nobody can log in to it. Nothing was erased. Write to us to have it opened again.
mail-security-account-unfrozen-subject = Your account is open again
mail-security-account-unfrozen-text = Your account with { $company } is no longer frozen: you can log in. Thank you for your patience.
mail-security-api-key-created-subject = An API key was created
mail-security-api-key-created-text = A key that opens your account to a program has just been created. You can remove it at any time.
mail-security-erasure-requested-subject = Your account will be erased
mail-security-erasure-requested-text = Your account with { $company } will be erased in 7 days, and your access with it. Until then, one click is enough to change your mind.
mail-security-erasure-cancelled-subject = Your account stays
mail-security-erasure-cancelled-text = Your account with { $company } will not be erased. Everything stays as it was; we are glad that you stay.

mail-key-ending-subject = One of your API keys ends soon
mail-key-ending-text = This key opens your account to a program. Make another one and replace it before then: afterwards it is refused.
mail-key-ending-name = Key
mail-key-ending-end = Valid until

mail-erased-subject = Your account is erased
mail-erased-text = Your account with { $company } is erased: your address, your password and what linked you to us are gone. Your payments are kept under a pseudonym, as the law asks. Thank you for having been with us.
mail-erased-button = Go to the home page
mail-erased-why = You receive this message, the last one, because this address had an account with { $company }.

mail-alert-subject = Alert: { $title }
mail-alert-since = Seen on
mail-alert-condition = Alert
mail-alert-action = What to do: { $action }
mail-alert-button = Open the alert
mail-alert-why = An alert of your Calmness installation, sent to the company’s address. It is not repeated while the condition lasts.

alert-other-title = Something needs your attention
alert-other-action = Read the details below, then the service’s log around that instant.
alert-webhook_quarantined-title = A payment notice contradicts our quote
alert-webhook_quarantined-action = Nothing was granted. Compare the payment with the provider’s account, then replay the notice or refund.
alert-webhook_signature-title = Wrongly signed payment notices arrive
alert-webhook_signature-action = Check the provider’s secret on both sides. If it is right, somebody tries to forge notices: they are refused.
alert-work_overdue-title = Owed work is late
alert-work_overdue-action = Check that a worker runs and that the service named below answers. The work resumes by itself as soon as it can.
alert-provider_unreachable-title = A payment provider does not answer
alert-provider_unreachable-action = Payments under way are cleared up once it is back. See its status page.
alert-telegram_unreachable-title = Telegram does not answer
alert-telegram_unreachable-action = Entries and removals wait and are done once it is back. Check the bot’s token and the network.
alert-telegram_rights-title = The bot lacks rights in the channel
alert-telegram_rights-action = Make it an administrator who may invite and ban, then check with “calmness doctor”.
alert-mail_undelivered-title = Mails do not leave
alert-mail_undelivered-action = Check the SMTP server and its credentials. Owed messages leave once it is back.
alert-settled_late-title = A payment arrived after it had failed or expired
alert-settled_late-action = It was granted. Check that the person did not pay a second time.
alert-payment_disputed-title = A payment is disputed
alert-payment_disputed-action = The unused time is set aside. Answer at the provider before its deadline.
alert-audit_unsealed-title = The sealing of the audit log is late
alert-audit_unsealed-action = Check the database and that a worker runs.
alert-audit_broken-title = The audit log was changed
alert-audit_broken-action = Run “calmness audit verify”: it names each entry. Keep the database and the anchors as they are, and find out who had access.
alert-invariant_broken-title = An invariant is broken
alert-invariant_broken-action = Run “calmness doctor”: it names the invariant and the rows concerned.
alert-refund_failed-title = Money could not be sent back
alert-refund_failed-action = Read the provider’s reason below. Send the money another way if it is still owed, and record it: the payer keeps their time until the money has gone back.
alert-key_backend_away-title = The key service does not answer
alert-key_backend_away-action = The product goes on with the keys in memory, for a day at most; a restart would fail. Read below what the service says, then check that it is unsealed, reachable and still grants its rights. “calmness keys status” tells when it is back.
alert-backup_failed-title = A backup could not be made
alert-backup_failed-action = Read the reason below: often the disk is full or “pg_dump” is missing. Mend it, then run “calmness backup create”; otherwise it is tried again every hour.
alert-backup_old-title = The newest backup is more than 48 hours old
alert-backup_old-action = Look at the folder of backups and at the service’s log, then run “calmness backup create”. Until then a broken disk would lose everything since.
alert-account_frozen-title = A rule froze an account
alert-account_frozen-action = Read the reason below and check with the person, then lift the freeze or confirm it. Until then they can’t log in, but their time and their place in the channel go on.
alert-removals_held-title = Removals wait for your decision
alert-removals_held-action = Nobody could foresee them, and there are too many at once for one hour. Check what happened (refunds, freezes, the channel’s id, the clock), then run “calmness removals list” and confirm or reject. Until then these people stay.

## Telegram bot

bot-linked-invite = Done: your account is linked.
    Your personal invitation: { $link }
    Open it and ask to join. The door opens within a minute, for you alone.
bot-linked-no-access = Done: your account is linked.
    You have no running access. Choose a duration here: { $link }
bot-link-invalid = This link has expired or has been used.
    Make another one on your page: { $link }
bot-help = Hello. I keep the door of the channel.
    To enter, link your account on your page: { $link }
bot-removed = Your access has ended and I took you out of the channel.
    You can come back whenever you like: { $link }
bot-opened = Your access is open until { $end }.
    Your personal invitation: { $link }

## SMS

sms-code = { $code } is your { $company } code, valid for 10 minutes. Never tell anybody, not even us.

## Pages about the security of an account

frame-security = Security

login-forgot = Forgot your password?
login-code-title = One more step
login-code-lead = Your password is right. Now show that it is really you.
login-code-submit = Log in
login-code-other = Use another account
code-app = Code from your app
code-app-hint = The six digits that your authenticator app shows right now.
code-phone = Code sent by text message
code-phone-hint = Ask for a code, then type the digits that arrive on your phone.
code-recovery = Recovery code
code-recovery-hint = One of those that you kept. Each works only once.
code-send = Send a code by text message
code-other-ways = Other ways
code-use-app = Use the authenticator app
code-use-phone = Get a code by text message
code-use-recovery = Use a recovery code
code-wrong = This code is not right, was used already or is too old.
code-required = A code is needed too.
code-ended = This code is not waited for any more. Ask for another one.
proof-password = Your current password
proof-wrong-password = This is not your current password.

forgot-title = Forgot your password
forgot-lead = Give the address of your account. We send a link there to choose another password.
forgot-submit = Send the link
mail-sent-forgot = If { $email } has an account, a link to choose another password is on its way. It works for 10 minutes.
reset-title = Choose a new password
reset-lead = All your devices will then be logged out, and you log in with the new one.
reset-hint = At least { $minimum } characters, or { $shorter } if your account has an authenticator app. A short sentence is easy to remember.
reset-submit = Save the password
reset-ended = This link was used already or is too old: it works for 10 minutes only.
reset-again = Get a new link
field-password-new = New password
strength-short = Characters still needed: §
strength-obvious = Too easy to guess: it repeats itself or counts up.
strength-good = A good password.
strength-strong = An excellent password.

security-title = Security
security-lead = What guards your account, and where it is open.
security-login = Logging in
security-where = Where your account is open
security-on = On
security-off = Off
security-password = Password
security-password-text = Change it if somebody else may have seen it.
security-app = Authenticator app
security-app-text = A code from your phone beside the password. It is the best protection.
security-app-since = Since { $date }
security-phone = Codes by text message
security-phone-text = A second way, for when the app is not at hand.
security-phone-to = To { $phone }
security-codes = Recovery codes
security-codes-text = To get in if your phone is lost.
security-devices-text = The browsers and programs that are logged in to your account.
security-keys-text = For programs of yours that act on your behalf.
security-data = Take along or erase
security-data-text = Download all that we keep about you, or leave us.
security-nothing-waits = There is nothing to confirm, or it took too long. Start over.
copy = Copy
copy-done = Copied
print = Print

password-title = Change your password
password-lead = All your other devices will be logged out. This one stays in.
password-submit = Change the password

app-title = Set up an authenticator app
app-lead = At each login the app on your phone gives a code. Without it a stolen password is not enough any more.
app-which = Any usual app will do: Aegis, Google Authenticator, Microsoft Authenticator, 1Password…
app-move-title = Move to another app or phone
app-move-lead = The new app takes the place of the old one as soon as you confirm it. Your recovery codes stay the same.
app-continue = Continue
app-scan-title = Connect your app
app-scan-lead = Scan this picture with the app, then type the code that it shows.
app-scanned = Your app knows this account already: type the code that it shows now.
app-secret = No camera? Type this key into the app:
app-open = Open in the app on this phone
app-confirm = Turn it on
app-again = Show a new picture
app-remove-title = Remove the app
app-remove-lead = Your password alone will open your account again. Codes by text message and recovery codes go as well.
app-remove = Remove the app
app-remove-password-short = Without the app this password would be too short. First change it for one of at least 15 characters.

codes-title = Recovery codes
codes-lead = A recovery code opens your account when your phone is lost.
codes-left = { $count ->
    [0] None left
   *[other] { $count } left
}
codes-renew-lead = Ten new codes take the place of all earlier ones.
codes-renew = Make ten new codes
codes-app-is-new = The app is on. One last thing, and you are done.
codes-keep-title = Keep these recovery codes
codes-keep-lead = If you lose your phone, each of them opens the door once.
codes-once = They are never shown again. Print them or put them into a password manager, not on the phone itself.
codes-kept = I have kept them

phone-lead = We send a code by text message when the app is not at hand. It is less safe than the app: a number can be hijacked.
phone-needs-app = Set up an authenticator app first: text messages only come beside it.
phone-on = Codes go to { $phone }.
phone-other = Use another number
phone-number = Phone number
phone-hint = With the country code, such as +229 01 90 00 00 00.
phone-invalid = A number starts with + and its country code.
phone-unavailable = No message can be sent to this phone right now. Choose another way, or try again tomorrow.
phone-confirm-title = Confirm the number
phone-confirm-lead = Type the code that we have just sent to this phone.
phone-confirm = Confirm
phone-again = Use another number or send the code again
phone-remove-title = Remove this number
phone-remove-lead = No more codes go to this phone. The authenticator app stays.
phone-remove = Remove the number

devices-title = Logged-in devices
devices-lead = You don’t recognise one? Log it out, then change your password.
devices-end-others = Log out all others
devices-end-all = Log out everywhere, here too
devices-hint = Logging out takes effect at once.
device-on = { $name } on { $system }
device-some-browser = A browser
device-some-program = A program
device-network = Network { $network }
device-here = This device
device-now = In use now
device-last-used = Last used { $date }
device-since = Logged in { $date }
device-second-factor = with a code

keys-title = API keys
keys-lead = A key lets a program act on your behalf, within limits that you choose.
keys-empty = No keys yet.
keys-new = Make a key
keys-new-lead = Give only what is needed. No key can change your password or make other keys.
keys-full = You have as many keys as possible. Revoke one to make another.
keys-scope-refused = Choose at least one right, from those in the list.
keys-refused = A name of 1 to 100 characters is needed, and at most 20 keys can live side by side.
key-name = Name
key-name-hint = To recognise it, such as “tracking server”.
key-scopes = What it may do
key-days = How long it lives
key-ends = Ends { $date }
key-unused = Never used
key-end = Revoke
key-made-title = Your new key
key-made-lead = Copy “{ $name }” now: it is never shown again.
key-made-how = Send it in the Authorization header, after Bearer.
key-made-done = I have copied it
key-scope-profile-read = See your account
key-scope-profile-write = Change your language
key-scope-payments-read = See your payments
key-scope-payments-write = Open payments
key-scope-subscriptions-read = See your subscriptions
key-scope-telegram-read = See your Telegram link
key-scope-telegram-write = Link and unlink Telegram
key-scope-payments-inspect = See everybody’s payments
key-scope-users-read = See other people’s accounts
key-scope-subscriptions-inspect = See everybody’s subscriptions
key-scope-alerts-read = See alerts
key-scope-audit-read = Read the audit log
key-scope-stats-read = See how the business goes

data-title = Your data
data-export-title = Take my data along
data-export-text = A JSON file with your account, your payments, your subscriptions, your devices and what happened. There are no secrets in it.
data-export = Download my data
data-erase-title = Erase my account
data-erase-lead = You lose your access to the channel and the time that is left. Nothing is refunded.
data-erase-after = The account is erased 7 days after you ask. Until then you can change your mind by logging in.
data-erase-stays = What stays: payment entries and the security log, as law and accounts ask for, under a number and without your address.
data-erase = Erase my account
data-erased-on = Your account will be erased on { $date }.
data-keep = Keep my account
data-last-admin = The last admin cannot be erased.

flash-code-sent = A code is on its way to your phone.
flash-code-unsent = No message can be sent to this phone right now. Choose another way.
flash-code-ended = This step has ended: too much time or too many tries. Log in again.
flash-password-reset = Your password is changed. Log in with the new one.
flash-password-changed = Your password is changed. Your other devices are logged out.
flash-app-moved = Your new app is in place.
flash-app-removed = The authenticator app is removed.
flash-phone-added = This phone will get your codes.
flash-phone-removed = This number is removed.
flash-device-ended = This device is logged out.
flash-others-ended = All other devices are logged out.
flash-all-ended = All your devices are logged out.
flash-key-ended = This key is worth nothing any more.
flash-erasure-asked = Your request is recorded.
flash-erasure-kept = Your account stays.

## Emergencies: what every administrator is told

mail-incident-sessions-revoked-subject = Everybody’s sessions were ended
mail-incident-sessions-revoked-text = Every session was ended, of customers and of the team: everybody logs in again. Payments, subscriptions and access go on.
mail-incident-keys-rotated-subject = The keys were rotated in an emergency
mail-incident-keys-rotated-text = New keys are in use. What has to be renewed at the payment providers and on the machine stands in the answer of the command.
mail-incident-purchases-paused-subject = Purchases are paused
mail-incident-purchases-paused-text = No new payment can be opened. Those under way are settled, and access goes on.
mail-incident-purchases-resumed-subject = Purchases are open again
mail-incident-purchases-resumed-text = The pause is over: customers can buy again.
mail-incident-account-frozen-subject = An account was frozen
mail-incident-account-frozen-text = An account was frozen in an emergency: no login, no payment, no access until it is lifted.
mail-incident-webhooks-replayed-subject = Payment notices were processed again
mail-incident-webhooks-replayed-text = Kept payment notices of a period were processed again. None counts twice.
mail-incident-evidence-exported-subject = Evidence was exported
mail-incident-evidence-exported-text = A signed archive with entries of the audit log, payments and payment notices was made. It holds personal data.
mail-incident-at = On
mail-incident-by = By
mail-incident-by-operator = the operator, on the machine
mail-incident-reason = Reason
mail-incident-not-planned = If nobody of the team did this, follow the runbook “stolen admin” at once.
mail-incident-button = Open Calmness
mail-incident-why = You get this mail because you are an administrator of { $company }.

alert-incident_act-title = The team acted in an emergency
alert-incident_act-action = Check that it was planned. If not, follow the runbook “stolen admin” at once.

error-purchases_paused-title = Purchases are paused
error-purchases_paused-detail = New purchases are paused for a moment. Nothing was charged. Your access and payments under way go on; come back a little later.

plans-paused = New purchases are paused for a moment. Your access and payments under way go on; come back a little later.
## Second confirmations

approval-other = Sensitive change
approval-role = Change of role
approval-freeze_admin = Freezing of an administrator
approval-setting_set = Change of a setting
approval-setting_delete = Deletion of a setting
approval-plan_prices = Large cut of a price
mail-approval-asked-subject = To confirm: { $title }
mail-approval-asked-text = A sensitive change waits for a second confirmation. Nothing has been done yet.
mail-approval-done-subject = Confirmed: { $title }
mail-approval-done-text = This sensitive change was confirmed and is done.
mail-approval-what = Change
mail-approval-subject = About
mail-approval-by = Asked for by
mail-approval-nobody = the installation itself
mail-approval-reason = Reason
mail-approval-until = To confirm before
mail-approval-nothing = nothing
mail-approval-not-you = Does this change surprise you? Reject it, then freeze the account of whoever asked for it and warn the other administrators.
mail-approval-button = Open my access
mail-approval-why = You receive this message because you are an administrator of { $company }.

error-approval_needed-title = Second confirmation needed
error-approval_needed-detail = This change waits for the confirmation of another administrator.
error-another_admin_needed-title = Somebody else must confirm
error-another_admin_needed-detail = Another administrator has to confirm this change, or the operator on the machine.
error-approval_decided-title = Already decided
error-approval_decided-detail = This request was confirmed or rejected before.
error-approval_expired-title = Too late
error-approval_expired-detail = This request was not confirmed in time. Make a new one.
error-approval_stale-title = Out of date
error-approval_stale-detail = What should change has changed since. Look at how it is now, then make a new request.
error-approval_differs-title = Look again
error-approval_differs-detail = The digest is not the one of what will change. Read the request again, then confirm its digest.
error-too_many_approvals-title = Too many requests wait
error-too_many_approvals-detail = Decide about some of the waiting requests first.

error-setting_read_only-title = Read-only setting
error-setting_read_only-detail = The configuration gives this value, and it wins over a setting.
error-nothing_to_change-title = Nothing to change
error-nothing_to_change-detail = There is no value here to delete, to restore or to cancel.
mail-setting-changed-subject = A sensitive setting has changed
mail-setting-changed-text = This value is in force from now on.
mail-setting-cooling-subject = A receiving address will change
mail-setting-cooling-text = This address was confirmed, but money will only go there after the cooling time. Until then any administrator can cancel it.
mail-setting-activated-subject = A receiving address has changed
mail-setting-activated-text = The cooling time is over: new payments go to this address. Quotes that were given keep theirs.
mail-setting-cancelled-subject = A receiving address will not change
mail-setting-cancelled-text = This change was cancelled within its cooling time.
mail-setting-from = In force from
mail-setting-not-you = Does this change surprise you? Warn the other administrators, cancel it or restore the value of before.
approval-remove_members = Removal of members nobody announced
