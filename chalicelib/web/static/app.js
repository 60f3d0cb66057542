// Tells GOV.UK Frontend's styles that scripts run, then starts its components. Pages work without any of this.

const frontend = document.documentElement.dataset.frontend

document.body.classList.add('js-enabled', 'govuk-frontend-supported')

// What a choice hides belongs to a choice that was not made: it is not sent.
document.addEventListener('formdata', (event) => {
  for (const field of event.target.querySelectorAll('.app-revealed [name]')) {
    if (!field.getClientRects().length) event.formData.delete(field.name)
  }
})

// Warns five minutes before a session ends, so that nothing typed is lost. Reading any page of ours goes on with it.
const WARNED_BEFORE = 300
let warning = null
let endsAt = sessionEnd(document)

function sessionEnd (page) {
  const seconds = Number(page.documentElement.dataset.sessionSeconds)
  return seconds ? Date.now() + seconds * 1000 : Infinity
}

function secondsLeft () {
  return Math.max(0, Math.round((endsAt - Date.now()) / 1000))
}

function warn () {
  warning = document.createElement('div')
  warning.className = 'govuk-notification-banner app-session-warning'
  warning.setAttribute('role', 'alert')
  const words = document.createElement('p')
  words.className = 'govuk-notification-banner__heading'
  words.textContent = 'You will be signed out in 5 minutes.'
  const button = document.createElement('button')
  button.className = 'govuk-button'
  button.type = 'button'
  button.textContent = 'Stay signed in'
  button.addEventListener('click', () => stay(words, button))
  const content = document.createElement('div')
  content.className = 'govuk-notification-banner__content'
  content.append(words, button)
  warning.append(content)
  document.getElementById('main-content').prepend(warning)
}

async function stay (words, button) {
  const answer = await fetch('/account').catch(() => null)
  const page = answer && new DOMParser().parseFromString(await answer.text(), 'text/html')
  endsAt = page ? sessionEnd(page) : endsAt
  if (answer && endsAt !== Infinity && secondsLeft() > WARNED_BEFORE) {
    warning.remove()
    warning = null
    return
  }
  words.textContent = 'You cannot stay signed in for longer. Copy what you have typed, then sign in again.'
  button.remove()
  endsAt = Infinity
}

setInterval(() => {
  if (!warning && secondsLeft() <= WARNED_BEFORE) warn()
}, 5000)

const { initAll } = await import(frontend)
initAll()
