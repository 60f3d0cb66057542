// Tells GOV.UK Frontend's styles that scripts run, then starts its components. Pages work without any of this.

const frontend = document.documentElement.dataset.frontend

document.body.classList.add('js-enabled', 'govuk-frontend-supported')

// What a choice hides belongs to a choice that was not made: it is not sent.
document.addEventListener('formdata', (event) => {
  for (const field of event.target.querySelectorAll('.app-revealed [name]')) {
    if (!field.getClientRects().length) event.formData.delete(field.name)
  }
})

const { initAll } = await import(frontend)
initAll()
