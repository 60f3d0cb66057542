// Tells GOV.UK Frontend's styles that scripts run, then starts its components. Pages work without any of this.

const frontend = document.documentElement.dataset.frontend

document.body.classList.add('js-enabled', 'govuk-frontend-supported')

const { initAll } = await import(frontend)
initAll()
